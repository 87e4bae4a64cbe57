import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VARIANTS } from '../src/model/variants.ts';
import { isUrlThere, readUrl } from '../src/platform.ts';
import { locateWeights } from '../src/weights/locate.ts';

/*
 * A server whose paths begin with what it does: a status, `cut` (the connection, in the middle of the body) or `hang up`
 * (before any answer). What it was asked is kept.
 */
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const [, way] = (request.url ?? '').split('/');
  if (way === 'hang-up') {
    request.socket.destroy();
  } else if (way === 'cut') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => request.socket.destroy());
  } else {
    response.statusCode = Number(way);
    response.end('body');
  }
});
let base: string;
const folder = mkdtempSync(join(tmpdir(), 'taesd-platform-'));
const fileUrl = (name: string) => pathToFileURL(join(folder, name));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  writeFileSync(join(folder, 'file'), 'body');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const BODY = new TextEncoder().encode('body');

test('readUrl: 200 and 203 → the bytes; 404 and 410 → undefined', async () => {
  for (const status of [200, 203]) {
    expect(await readUrl('load', new URL(`${base}/${status}/a`))).toEqual(BODY);
  }
  for (const status of [404, 410]) {
    expect(await readUrl('load', new URL(`${base}/${status}/a`))).toBeUndefined();
  }
});

test('readUrl: 403, 500 → ARG naming the status', async () => {
  for (const status of [403, 500]) {
    const url = new URL(`${base}/${status}/a`);
    const message = `load: "${url}" expected HTTP status 200 to 299, got ${status}`;
    await expect(readUrl('load', url)).rejects.toMatchObject({ code: 'ARG', message });
  }
});

test('readUrl: the connection cut before an answer → ARG', async () => {
  await expect(readUrl('load', new URL(`${base}/hang-up/a`))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(
      /^load: "http:.*\/hang-up\/a" expected an answer, got .+ \(no network\?\)$/,
    ),
  });
});

test('readUrl: the connection cut in the middle of the body → ARG', async () => {
  await expect(readUrl('load', new URL(`${base}/cut/a`))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(
      /^load: "http:.*\/cut\/a" expected the whole answer, got .+ \(the connection was cut\?\)$/,
    ),
  });
});

test('readUrl: a file → its bytes; none, below a file → undefined; a folder → ARG', async () => {
  expect(Uint8Array.from((await readUrl('load', fileUrl('file'))) ?? [])).toEqual(BODY);
  expect(await readUrl('load', fileUrl('none'))).toBeUndefined();
  expect(await readUrl('load', fileUrl('file/below'))).toBeUndefined();
  await expect(readUrl('load', fileUrl('.'))).rejects.toMatchObject({ code: 'ARG' });
});

test('isUrlThere: a file, 200 → true; none, a folder, 404, 405, no answer → false', async () => {
  expect(await isUrlThere(fileUrl('file'))).toBe(true);
  expect(await isUrlThere(new URL(`${base}/200/a`))).toBe(true);
  for (const url of [fileUrl('none'), fileUrl('.'), fileUrl('file/below')]) {
    expect(await isUrlThere(url)).toBe(false);
  }
  for (const way of ['404', '405', 'hang-up']) {
    expect(await isUrlThere(new URL(`${base}/${way}/a`))).toBe(false);
  }
});

test('locateWeights: no .safetensors on the web → a .pth is asked for, not fetched', async () => {
  asked.length = 0;
  const work = locateWeights('load', VARIANTS.taef1, `${base}/404`, ['decoder']);
  await expect(work).rejects.toMatchObject({ code: 'ARG' });
  expect(asked).toEqual(['GET /404/taef1_decoder.safetensors', 'HEAD /404/taef1_decoder.pth']);
});
