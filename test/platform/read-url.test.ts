import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { fileExists, urlInFolder, urlOf } from '../../src/platform/locations.ts';
import { readUrl } from '../../src/platform/read-url.ts';

/*
 * A server whose paths begin with what it does: a status, `cut` (the connection, in the middle of
 * the body) or `hang up` (before any answer).
 */
const server = createServer((request, response) => {
  const [, way] = (request.url ?? '').split('/');
  if (way === 'hang-up') {
    request.socket.destroy();
  } else if (way === 'cut') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => request.socket.destroy());
  } else if (way === 'announced') {
    response.writeHead(200, { 'content-length': `${2 ** 40}` });
    response.write('body');
  } else if (way === 'endless') {
    sendEndlessly(response);
  } else {
    response.statusCode = Number(way);
    response.end('body');
  }
});
/** Sends bytes for as long as the client takes them. */
function sendEndlessly(response: ServerResponse): void {
  let open = true;
  response.on('close', () => {
    open = false;
    closed += 1;
  });
  const more = () => void (open && response.write(new Uint8Array(65536), more));
  more();
}
/** The number of endless responses that the client ended. */
let closed = 0;
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
    expect(await readUrl(new URL(`${base}/${status}/a`))).toEqual(BODY);
  }
  for (const status of [404, 410]) {
    expect(await readUrl(new URL(`${base}/${status}/a`))).toBeUndefined();
  }
});

test('readUrl: 403, 500 → ARG naming the status', async () => {
  for (const status of [403, 500]) {
    const url = new URL(`${base}/${status}/a`);
    const message = `"${url}" expected HTTP status 200 to 299, got ${status}`;
    await expect(readUrl(url)).rejects.toMatchObject({ code: 'ARG', message });
  }
});

test('readUrl: the connection cut before an answer → ARG', async () => {
  await expect(readUrl(new URL(`${base}/hang-up/a`))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(
      /^"http:.*\/hang-up\/a" expected an answer, got other side closed \(the connection was cut\)$/,
    ),
  });
});

test('readUrl: the connection cut in the middle of the body → ARG', async () => {
  await expect(readUrl(new URL(`${base}/cut/a`))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(
      /^"http:.*\/cut\/a" expected the whole answer, got other side closed \(the connection was cut\)$/,
    ),
  });
});

test('readUrl: a file → its bytes; none, below a file → undefined; a folder → ARG', async () => {
  expect(Uint8Array.from((await readUrl(fileUrl('file'))) ?? [])).toEqual(BODY);
  expect(await readUrl(fileUrl('none'))).toBeUndefined();
  expect(await readUrl(fileUrl('file/below'))).toBeUndefined();
  await expect(readUrl(fileUrl('.'))).rejects.toMatchObject({ code: 'ARG' });
});

test.skipIf(process.platform === 'win32')(
  'readUrl: a link to a device without an end, a pipe without a writer, a folder → ARG at once',
  async (context) => {
    if (!existsSync('/dev/zero')) context.skip('no /dev/zero here');
    symlinkSync('/dev/zero', join(folder, 'zero'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const [name, kind] of [
      ['zero', 'a device'],
      ['pipe', 'a pipe'],
      ['.', 'a folder'],
    ]) {
      const url = fileUrl(name);
      await expect(readUrl(url)).rejects.toMatchObject({
        name: 'TaesdError',
        code: 'ARG',
        message: `"${url}" expected a file, got ${kind}`,
      });
    }
    symlinkSync('file', join(folder, 'link'));
    expect(Uint8Array.from((await readUrl(fileUrl('link'))) ?? [])).toEqual(BODY);
  },
);

test('readUrl, fileExists: a fetch that throws an error of this package → that error', async () => {
  const error = new TaesdError('ARG', 'a proxy that is none');
  vi.stubGlobal('fetch', () => Promise.reject(error));
  try {
    for (const read of [readUrl, fileExists]) {
      await expect(read(new URL('http://a.test/x'))).rejects.toBe(error);
    }
  } finally {
    vi.unstubAllGlobals();
  }
});

test('fileExists: a file, 200 → true; none, a folder, 404, 405, no answer → false', async () => {
  expect(await fileExists(fileUrl('file'))).toBe(true);
  expect(await fileExists(new URL(`${base}/200/a`))).toBe(true);
  for (const url of [fileUrl('none'), fileUrl('.'), fileUrl('file/below')]) {
    expect(await fileExists(url)).toBe(false);
  }
  for (const way of ['404', '405', 'hang-up']) {
    expect(await fileExists(new URL(`${base}/${way}/a`))).toBe(false);
  }
});

test('readUrl: longer than the limit, by its header or by what comes → LIMIT, and no more is read', async () => {
  const announced = new URL(`${base}/announced/a`);
  const most = 'expected at most 268435456 bytes, got 1099511627776 (another file?)';
  await expect(readUrl(announced)).rejects.toMatchObject({
    code: 'LIMIT',
    message: `"${announced}" ${most}`,
  });
  const endless = new URL(`${base}/endless/a`);
  await expect(readUrl(endless, { maxBytes: 100_000 })).rejects.toMatchObject({
    code: 'LIMIT',
    message: `"${endless}" expected at most 100000 bytes, got more (another file?)`,
  });
  await expect.poll(() => closed).toBe(1);
  const file = fileUrl('file');
  await expect(readUrl(file, { maxBytes: 3 })).rejects.toMatchObject({
    code: 'LIMIT',
    message: `"${file}" expected at most 3 bytes, got 4 (another file?)`,
  });
  expect((await readUrl(file, { maxBytes: 4 }))?.length).toBe(4);
  expect(await readUrl(new URL(`${base}/200/a`), { maxBytes: 4 })).toEqual(BODY);
});

test('urlOf: paths, file: and web addresses → URLs; urlInFolder: with a slash or without → one URL', async () => {
  for (const place of [folder, `${folder}/`, fileUrl('.'), pathToFileURL(folder).href]) {
    const url = await urlOf('weights', place);
    expect(urlInFolder(url, 'file').href).toBe(fileUrl('file').href);
  }
  const web = urlInFolder(await urlOf('weights', 'https://host/a?b=/c'), 'file');
  expect(web.href).toBe('https://host/a/file');
});
