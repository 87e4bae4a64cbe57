import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { WeightSource } from '../../src/options/types.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { loadWeights } from '../../src/weights/load.ts';

/*
 * Weights from folders, files and web addresses that the caller gives.
 */

const DECODER = writeSafetensors([['1.weight', { shape: [1], data: Float32Array.of(7) }]]);
const ENCODER = writeSafetensors([['0.weight', { shape: [1], data: Float32Array.of(8) }]]);
const COMBINED = writeSafetensors([
  ['encoder.layers.0.weight', { shape: [1], data: Float32Array.of(8) }],
  ['decoder.layers.0.weight', { shape: [1], data: Float32Array.of(7) }],
]);
/** The server has one decoder, under any name in `one/`. */
const requests: string[] = [];
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`);
  if (request.url?.startsWith('/one/')) response.end(DECODER);
  else response.writeHead(404).end('body');
});
let base: string;
const folder = mkdtempSync(join(tmpdir(), 'taesd-location-'));
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

const load = async (weights: WeightSource, halves: readonly Half[] = ['encoder', 'decoder']) =>
  (await loadWeights(VARIANTS.taesdxl, halves, { weights })).tensors;
const at = (name: string) => join(folder, name);

/** Makes a folder with these files. */
function folderOf(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  mkdirSync(at(name));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(at(name), file), bytes);
  return at(name);
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
  writeFileSync(at('one.safetensors'), DECODER);
  writeFileSync(at('both.SafeTensors'), COMBINED);
  writeFileSync(at('enc.safetensors'), ENCODER);
  for (const source of [
    at('one.safetensors'),
    fileUrl('one.safetensors'),
    `${base}/one/any.safetensors?download=true`,
  ]) {
    expect(await load(source)).toEqual({ encoder: undefined, decoder });
    expect(await load(source, ['decoder'])).toEqual({ encoder: undefined, decoder });
  }
  expect(await load(at('both.SafeTensors'))).toEqual({ encoder, decoder });
  expect(await load(at('both.SafeTensors'), ['encoder'])).toEqual({
    encoder,
    decoder: undefined,
  });
  const none = at('none.safetensors');
  await expect(load(none)).rejects.toMatchObject({
    code: 'ARG',
    message: `"${none}" expected a file or a folder, got no such file`,
  });
  const other =
    '"file" expected tensors of the decoder, got only encoder.layers.0.weight (the other file?)';
  writeFileSync(at('diffusers.safetensors'), ONLY_ENCODER);
  await expect(load(at('diffusers.safetensors'), ['decoder'])).rejects.toMatchObject({
    code: 'SHAPE',
    message: `${at('diffusers.safetensors')}: ${other}`,
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
  await expect(load(at('file'))).rejects.toMatchObject({
    code: 'ARG',
    message: `"${at('file')}" ${rule} a file (give its folder, or a file that ends in .safetensors or .pth)`,
  });
});

test('loadWeights: nothing on the web → .pth and one file for both halves were tried', async () => {
  requests.length = 0;
  const options = { weights: `${base}/404` };
  const work = loadWeights(VARIANTS.taef1, ['decoder'], options);
  await expect(work).rejects.toMatchObject({ code: 'ARG' });
  expect(requests).toEqual([
    'GET /404/taef1_decoder.safetensors',
    'GET /404/taef1_decoder.pth',
    'GET /404/taef1.safetensors',
    'GET /404/taef1.pth',
  ]);
});

test('loadWeights: a folder without taef2 → ARG, the names of its source', async () => {
  const loading = loadWeights(VARIANTS.taef2, ['encoder', 'decoder'], { weights: folder });
  const hint = 'another model, or another folder?';
  const rule = 'a folder that holds taef2_encoder.pth and taef2_decoder.pth';
  const message = `"${folder}" expected ${rule}, got neither (${hint})`;
  await expect(loading).rejects.toMatchObject({ code: 'ARG', message });
});
