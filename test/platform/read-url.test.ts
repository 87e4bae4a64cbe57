import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { WeightSource } from '../../src/options/types.ts';
import { fileExists, urlInFolder, urlOf } from '../../src/platform/locations.ts';
import { readUrl } from '../../src/platform/read-url.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { loadWeights } from '../../src/weights/load.ts';

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
  } else if (way === 'announced') {
    response.writeHead(200, { 'content-length': `${2 ** 40}` });
    response.write('body');
  } else if (way === 'endless') {
    sendEndlessly(response);
  } else if (way === 'one') {
    response.end(DECODER);
  } else {
    response.statusCode = Number(way);
    response.end('body');
  }
});
/** Sends a byte too many and more, for as long as somebody takes it. */
function sendEndlessly(response: ServerResponse): void {
  let open = true;
  response.on('close', () => {
    open = false;
    closed += 1;
  });
  const more = () => void (open && response.write(new Uint8Array(65536), more));
  more();
}
/** Endless answers that were hung up on. */
let closed = 0;
const DECODER = writeSafetensors([['1.weight', { shape: [1], data: Float32Array.of(7) }]]);
const ENCODER = writeSafetensors([['0.weight', { shape: [1], data: Float32Array.of(8) }]]);
const COMBINED = writeSafetensors([
  ['encoder.layers.0.weight', { shape: [1], data: Float32Array.of(8) }],
  ['decoder.layers.0.weight', { shape: [1], data: Float32Array.of(7) }],
]);
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
      /^"http:.*\/hang-up\/a" expected an answer, got .+ \(no network\?\)$/,
    ),
  });
});

test('readUrl: the connection cut in the middle of the body → ARG', async () => {
  await expect(readUrl(new URL(`${base}/cut/a`))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringMatching(
      /^"http:.*\/cut\/a" expected the whole answer, got .+ \(the connection was cut\?\)$/,
    ),
  });
});

test('readUrl: a file → its bytes; none, below a file → undefined; a folder → ARG', async () => {
  expect(Uint8Array.from((await readUrl(fileUrl('file'))) ?? [])).toEqual(BODY);
  expect(await readUrl(fileUrl('none'))).toBeUndefined();
  expect(await readUrl(fileUrl('file/below'))).toBeUndefined();
  await expect(readUrl(fileUrl('.'))).rejects.toMatchObject({ code: 'ARG' });
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

test('loadWeights: no .safetensors on the web → a .pth is asked for, not fetched', async () => {
  asked.length = 0;
  const options = { weights: `${base}/404` };
  const work = loadWeights(VARIANTS.taef1, ['decoder'], options);
  await expect(work).rejects.toMatchObject({ code: 'ARG' });
  expect(asked).toEqual(['GET /404/taef1_decoder.safetensors', 'HEAD /404/taef1_decoder.pth']);
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

test('urlOf: paths, file: and web addresses → URLs; urlInFolder: with a slash or without → the same', async () => {
  for (const place of [folder, `${folder}/`, fileUrl('.'), pathToFileURL(folder).href]) {
    const url = await urlOf('weights', place);
    expect(urlInFolder(url, 'file').href).toBe(fileUrl('file').href);
  }
  const web = urlInFolder(await urlOf('weights', 'https://host/a?b=/c'), 'file');
  expect(web.href).toBe('https://host/a/file');
});

const load = async (weights: WeightSource, parts: readonly Half[] = ['encoder', 'decoder']) =>
  (await loadWeights(VARIANTS.taesdxl, parts, { weights })).tensors;
const place = (name: string) => join(folder, name);

/** A folder there with these files. */
function folderOf(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  mkdirSync(place(name));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(place(name), file), bytes);
  return place(name);
}

test.each(['hf:x', 'data:x', 'mailto:a', 'blob:http://host/1'])(
  'loadWeights: %s → ARG',
  async (text) => {
    const hint = 'such as weights, file:///weights or https://host/weights';
    const message = `"weights" expected a folder or URL, got ${text} (${hint})`;
    await expect(load(text)).rejects.toMatchObject({ code: 'ARG', message });
    await expect(load(new URL(text))).rejects.toMatchObject({ code: 'ARG', message });
  },
);

test('loadWeights: files missing in a folder → ARG naming each, whichever was missed first', async () => {
  const rule =
    'expected a folder that holds taesdxl_encoder.safetensors and taesdxl_decoder.safetensors, got';
  const hint = '(another model, or another folder?)';
  const empty = folderOf('empty', {});
  for (let i = 0; i < 10; i++) {
    await expect(load(empty)).rejects.toMatchObject({
      code: 'ARG',
      message: `"${empty}" ${rule} neither ${hint}`,
    });
  }
  const half = folderOf('half', { 'taesdxl_encoder.safetensors': ENCODER });
  await expect(load(half)).rejects.toMatchObject({
    code: 'ARG',
    message: `"${half}" ${rule} no taesdxl_decoder.safetensors ${hint}`,
  });
  const one = `expected a folder that holds taesdxl_decoder.safetensors, got no such file ${hint}`;
  await expect(load(half, ['decoder'])).rejects.toMatchObject({
    code: 'ARG',
    message: `"${half}" ${one}`,
  });
  const pth = folderOf('pth', {
    'taesdxl_encoder.pth': Uint8Array.of(0),
    'taesdxl_decoder.pth': Uint8Array.of(0),
  });
  await expect(load(pth)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: `"${pth}" expected taesdxl_encoder.safetensors and taesdxl_decoder.safetensors, got taesdxl_encoder.pth and taesdxl_decoder.pth (a .pth file is not read yet; convert it to safetensors)`,
  });
});

test('loadWeights: one broken file and one missing → the broken one, named before its fault', async () => {
  const broken = folderOf('broken', {
    'taesdxl_encoder.safetensors': new Uint8Array(0),
    'taesdxl_decoder.safetensors': DECODER.subarray(0, 40),
  });
  const empty = 'taesdxl_encoder.safetensors: "header length" expected at least 8 bytes, got 0';
  await expect(load(broken)).rejects.toMatchObject({
    code: 'TRUNCATED',
    message: `${broken}/${empty} (empty file?)`,
  });
  const { href } = pathToFileURL(broken);
  const cut = /^"header" expected \d+ bytes, got 32 \(is the download complete\?\)$/;
  for (const [source, shown] of [
    [broken, broken],
    [`${broken}/`, broken],
    [href, href],
    [new URL(href), href],
  ] as const) {
    const error = await load(source, ['decoder']).catch((thrown) => thrown);
    const file = `${shown}/taesdxl_decoder.safetensors: `;
    expect(error.code).toBe('TRUNCATED');
    expect(error.message.slice(0, file.length)).toBe(file);
    expect(error.message.slice(file.length)).toMatch(cut);
  }
});

test('loadWeights: a file .safetensors by its path or URL → read; none → ARG; the other half → SHAPE', async () => {
  const decoder = new Map([['1.weight', { shape: [1], data: Float32Array.of(7) }]]);
  const encoder = new Map([['0.weight', { shape: [1], data: Float32Array.of(8) }]]);
  writeFileSync(place('one.safetensors'), DECODER);
  writeFileSync(place('both.SafeTensors'), COMBINED);
  writeFileSync(place('enc.safetensors'), ENCODER);
  for (const source of [
    place('one.safetensors'),
    fileUrl('one.safetensors'),
    `${base}/one/any.safetensors?download=true`,
  ]) {
    expect(await load(source)).toEqual({ encoder: undefined, decoder });
    expect(await load(source, ['decoder'])).toEqual({ encoder: undefined, decoder });
  }
  expect(await load(place('both.SafeTensors'))).toEqual({ encoder, decoder });
  expect(await load(place('both.SafeTensors'), ['encoder'])).toEqual({
    encoder,
    decoder: undefined,
  });
  const none = place('none.safetensors');
  await expect(load(none)).rejects.toMatchObject({
    code: 'ARG',
    message: `"${none}" expected a file or a folder, got no such file`,
  });
  const other =
    '"file" expected tensors of the decoder, got only encoder.layers.0.weight (the other file?)';
  writeFileSync(place('diffusers.safetensors'), ONLY_ENCODER);
  await expect(load(place('diffusers.safetensors'), ['decoder'])).rejects.toMatchObject({
    code: 'SHAPE',
    message: `${place('diffusers.safetensors')}: ${other}`,
  });
  await expect(load(ONLY_ENCODER, ['decoder'])).rejects.toMatchObject({
    code: 'SHAPE',
    message: `${other}`,
  });
});
const ONLY_ENCODER = writeSafetensors([
  ['encoder.layers.0.weight', { shape: [1], data: Float32Array.of(8) }],
]);

test('loadWeights: bytes of an original encoder where a decoder is wanted → SHAPE', async () => {
  await expect(load(ENCODER, ['decoder'])).rejects.toMatchObject({
    code: 'SHAPE',
    message: '"file" expected tensors of the decoder, got only 0.weight (the other file?)',
  });
});

test('loadWeights: encoder and decoder swapped → SHAPE saying so', async () => {
  const decoder = writeSafetensors([['19.bias', { shape: [1], data: Float32Array.of(7) }]]);
  await expect(load({ encoder: decoder, decoder: ENCODER })).rejects.toMatchObject({
    code: 'SHAPE',
    message:
      'encoder: "file" expected tensors of the encoder, got only 19.bias (encoder and decoder swapped?)',
  });
});

test('loadWeights: a path to another file → what to give instead', async () => {
  const rule =
    'expected a folder that holds taesdxl_encoder.safetensors and taesdxl_decoder.safetensors, got';
  await expect(load(place('file'))).rejects.toMatchObject({
    code: 'ARG',
    message: `"${place('file')}" ${rule} a file (give its folder, or a file that ends in .safetensors)`,
  });
  writeFileSync(place('weights.pth'), 'PK');
  await expect(load(place('weights.pth'))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: `"${place('weights.pth')}" ${rule} a .pth file (a .pth file is not read yet; convert it to safetensors)`,
  });
});
