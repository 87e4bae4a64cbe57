/* global test, expect */
// The tour under vitest and jest, with jsdom or without. TAESD_TOUR has its results in plain Node.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { runInNewContext } from 'node:vm';
import { loadByUrl, tour } from './tour.mjs';

const wanted = JSON.parse(process.env.TAESD_TOUR);
const files = process.env.TAESD_FILES;

test('every call on values of this realm → as in plain Node', async () => {
  expect(await tour(globalThis)).toEqual(wanted);
});

test('every call on values of a vm context → as in plain Node', async () => {
  const names = 'Array Map Uint8Array Uint8ClampedArray Float32Array Float64Array WebAssembly';
  const realm = runInNewContext(`({ ${names.replaceAll(' ', ', ')} })`);
  expect(await tour({ ...realm, AbortController })).toEqual(wanted);
});

test('weights at a file: URL → read', async () => {
  expect(await loadByUrl(globalThis, `file://${files}/`, 'taesd')).toContain(files);
});

test('weights over HTTP → read where there is fetch; otherwise ARG', async () => {
  const server = createServer(({ url }, response) => {
    try {
      response.end(readFileSync(`${files}${url}`));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const got = await loadByUrl(globalThis, address, 'taesd').catch(({ name, code }) => ({
    name,
    code,
  }));
  server.close();
  if (typeof fetch === 'function') expect(got).toContain(address);
  else expect(got).toEqual({ name: 'TaesdError', code: 'ARG' });
});
