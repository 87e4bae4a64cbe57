import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkGpuLatents } from '../src/backend/webgpu/source.ts';
import { describe as inWords } from '../src/checks.ts';
import { factLines, tableLines } from '../src/cli/terminal/table.ts';
import { onOneLine } from '../src/errors.ts';
import { readLatents } from '../src/formats/index.ts';
import { imageRows } from '../src/image.ts';
import { decodePicture } from '../src/picture/index.ts';
import { bareRequest } from '../src/platform/credentials.ts';
import { decodePng } from '../src/png/index.ts';
import { readSafetensors } from '../src/safetensors/read.ts';
import { Taesd } from '../src/taesd.ts';
import { processorMsOf } from './processor-time.ts';

/*
 * Work that input could make unbounded: arguments, stacks, searches in text.
 */

const SPREAD_CALL =
  /\b((?:push|unshift|splice|concat|max|min|of|fromCharCode|fromCodePoint)\([^(){}[\]]*\.\.\.[\w[]+)/g;

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The code of src/ and of the explorer, without comments. */
const CODE = ['src', 'explorer/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => {
      const text = readFileSync(join(ROOT, folder, path), 'utf8');
      return [
        join(folder, path),
        text.replace(/\/\*.*?\*\//gs, '').replace(/^\s*\/\/.*$/gm, ''),
      ] as const;
    }),
);

/**
 * Each call that takes a list as its arguments, and the bound of the list. Engines take some 65,000
 * to 120,000 arguments: a file of 130,000 tensors once met such a call.
 */
const SPREAD_CALLS: Readonly<Record<string, string>> = {
  'explorer/src/measure/levels.ts: max(...spread': 'channels of a layer',
  'explorer/src/stage/fitted.ts: max(...scales': 'sizes of a list, 3',
  'explorer/src/stores/far.ts: max(...rings': 'rings of a picture of 512 pixels a side',
  'explorer/src/stores/far.ts: min(...left': 'overlaps that are measured, 9',
  'src/backend/barriers.ts: max(...channels': 'layers of a network',
  'src/backend/plan.ts: max(...heights': 'layers of a network',
  'src/backend/segments.ts: max(...heights': 'layers of a network',
  'src/backend/wasm/products.ts: max(...heights': 'layers of a network',
  'src/backend/wasm/products.ts: max(0,...heights': 'layers of a network',
  'src/backend/wasm/program.ts: max(...stored': 'layers of a network',
  'src/backend/wasm/spans.ts: max(...heights': 'layers of a network',
  'src/backend/wasm/spans.ts: min(...heights': 'layers of a network',
  'src/backend/wasm/workspace.ts: max(0,...convs': 'layers of a network',
  'src/backend/webgpu/bands.ts: max(...slotBytes': 'maps of a network',
  'src/backend/webgpu/pack.ts: of(...factors.data,...added': 'channels of a layer',
  'src/cli/line/help.ts: max(...pairs': 'options of a command',
  'src/cli/maps/steps-overview.ts: max(...columns': 'layers of a network',
  'src/colour/profile.ts: fromCharCode(...bytes': '4 bytes',
  'src/backend/webgpu/self-test.ts: max(...maps': 'layers of a network, at most 1024',
  'src/engine.ts: max(...[': 'the networks of an instance',
  'src/first-bytes.ts: fromCharCode(...bytes': '64 bytes',
  'src/first-bytes/pictures.ts: fromCharCode(...bytes': '1024 bytes',
  'src/model/measure.ts: push(...blockOps': 'operations of a block',
  'src/npy/npy.ts: fromCharCode(...bytes': 'a header, of at most 65,536 bytes',
  'src/picture/picture-size.ts: fromCharCode(...bytes': '4 bytes',
  'src/picture/webp-file.ts: fromCharCode(...bytes': '4 bytes',
  'src/png/chunks.ts: fromCharCode(...bytes': '4 bytes',
  'src/png/filter.ts: min(...sums': 'five filters',
  'src/png/latin1.ts: fromCharCode(...bytes': 'a block of the text',
  'src/remote/read-latents.ts: max(...candidates': 'models of the table',
  'src/steps/walk.ts: max(...heights': 'layers of a network',
  'src/torch/archive.ts: fromCharCode(...entry': 'a note, whose size is checked',
  'src/weights/mirrors.ts: push(...mirrorFaults': 'mirrors of a file',
  'src/weights/pull.ts: push(...mirrorFaults': 'mirrors of a file',
};

test('calls with a list as arguments → those whose lists are bounded, and no others', () => {
  const found = new Set<string>();
  for (const [path, code] of CODE) {
    for (const [, call] of code.matchAll(SPREAD_CALL)) {
      found.add(`${path}: ${call.replace(/\s+/g, '')}`);
    }
  }
  expect([...found].sort()).toEqual(Object.keys(SPREAD_CALLS).sort());
});

/** Numbers that V8 takes as arguments on no stack. */
const MANY = 200_000;

test('tables of 200,000 rows → lines as wide as the widest', () => {
  const rows = Array.from({ length: MANY }, (_, i) => [`${i}`, 'x']);
  const columns = [
    { title: 'n', align: 'right' },
    { title: 'x', align: 'left' },
  ] as const;
  const lines = tableLines(columns, rows);
  expect([lines.length, lines[0], lines[2]]).toEqual([MANY + 2, '     n  x', '     0  x']);
  expect(factLines(rows as [string, string][])[0]).toBe('0       x');
});

test('an address with a name of 200,000 characters → a header', () => {
  const { headers, url } = bareRequest(new URL(`http://${'a'.repeat(MANY)}:p@host.test/`));
  expect(headers.authorization).toBe(`Basic ${btoa(`${'a'.repeat(MANY)}:p`)}`);
  expect(url.href).toBe('http://host.test/');
});

/** A safetensors file with this text as its header. */
function withHeader(text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + header.length + 4);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

const one = (name: string, begin = 0) =>
  `"${name}":{"dtype":"F32","shape":[1],"data_offsets":[${begin},${begin + 4}]}`;
/** The start of a JPEG file, and these bytes so many times. */
const jpegOf = (bytes: readonly number[], times: number) =>
  Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(bytes.length * times, Buffer.from(bytes))]);
const npyOf = (header: string) => {
  const text = `\x93NUMPY\x01\x00${String.fromCharCode(header.length & 255, header.length >> 8)}`;
  return Uint8Array.from(`${text}${header}`, (c) => c.charCodeAt(0));
};
const load = (weights: Uint8Array) => Taesd.load({ model: 'taesd', workers: 0, weights });
const SIZE = 2 ** 20;

/**
 * Text and bytes that make searches start over: half a megabyte to a megabyte each takes at most
 * 60 ms of a Zen 4.
 */
const ADVERSARIAL: Readonly<Record<string, () => unknown>> = {
  'names of tensors: addresses with @': () =>
    readSafetensors(withHeader(`{"${'a://b:'.repeat(SIZE / 6)}@":1}`)),
  'names of tensors: prefixes of wrappers': () =>
    load(withHeader(`{${one(`${'vae.'.repeat(SIZE / 4)}1.weight`)}}`)),
  'names of tensors: dots': () => load(withHeader(`{${one(`${'.'.repeat(SIZE)}1.weight`)}}`)),
  'names of tensors: halves': () =>
    load(withHeader(`{${one(`${'encoder.layers.'.repeat(SIZE / 15)}1.weight`)}}`)),
  'header: spaces': () => readLatents(withHeader(`{"a"${' '.repeat(SIZE)}`)),
  'header: quotes': () => readLatents(withHeader(`{${'"'.repeat(SIZE)}`)),
  'header: open brackets': () => readSafetensors(withHeader(`{"a":${'['.repeat(SIZE)}`)),
  'header: a number': () => readSafetensors(withHeader(`{"a":{"shape":[${'1'.repeat(SIZE)}`)),
  'header: escapes': () => readSafetensors(withHeader(`{"${'\\u0041'.repeat(SIZE / 6)}":1`)),
  'npy header: spaces': () => readLatents(npyOf(`{'descr'${' '.repeat(60_000)}`)),
  'npy header: commas': () =>
    readLatents(
      npyOf(`{'descr': '<f4', 'fortran_order': False, 'shape': (${'1,'.repeat(30_000)})}`),
    ),
  'npy header: spaces after it': () => readLatents(npyOf(`{}${' '.repeat(60_000)}x`)),
  'JPEG: restart markers': () => decodePicture(jpegOf([0xff, 0xd0], SIZE / 2)),
  'JPEG: empty segments': () => decodePicture(jpegOf([0xff, 0xe0, 0, 2], SIZE / 4)),
  'PNG: bytes ff': () => decodePng(new Uint8Array(SIZE).fill(0xff)),
};

describe('searches in text', () => {
  for (const [name, read] of Object.entries(ADVERSARIAL)) {
    test(`${name} → a TaesdError within 1 s of processor time`, async () => {
      let error: unknown;
      const ms = await processorMsOf(async () => {
        try {
          await read();
        } catch (thrown) {
          error = thrown;
        }
      });
      expect(error).toMatchObject({ name: 'TaesdError' });
      expect((error as Error).message).not.toContain('failed: ');
      expect(ms).toBeLessThan(1000);
    });
  }
});

test('onOneLine: 6 MB of addresses with passwords → its ends, and no password', async () => {
  const text = `http://me:secret@a.test/ ${'a://b:'.repeat(SIZE)} http://me:secret@b.test/`;
  let line = '';
  expect(await processorMsOf(() => (line = onOneLine(text)))).toBeLessThan(1000);
  expect(line).toMatch(/^http:\/\/…@a\.test\/ a:.*…@b\.test\/$/);
  expect(line).toHaveLength(200);
});

test('describe: ten million elements → the first keys, without listing all', async () => {
  const many = new Array(10_000_000).fill(0);
  let words = '';
  expect(await processorMsOf(() => (words = inWords(many)))).toBeLessThan(1000);
  expect(words).toBe('{ 0, 1, 2, 3, 4, 5 }');
  expect(inWords(new Array(2 ** 32 - 1))).toBe('Array');
});

test('arguments that claim 2³² − 1 elements → ARG or SHAPE at once', async () => {
  const claims = new Array(2 ** 32 - 1) as never[];
  const picture = { width: 1, height: 1, data: new Uint8Array(4) };
  const background = claims as unknown as [number, number, number];
  const ms = await processorMsOf(() => {
    expect(() => imageRows(picture, { background })).toThrow(
      '"background" expected three numbers [red, green, blue] from 0 to 255, got Array',
    );
    expect(() => checkGpuLatents({ shape: claims, buffer: {} as never })).toThrow(
      '"latents" expected shape [N,C,H,W], each at least 1, got [',
    );
  });
  expect(ms).toBeLessThan(1000);
});
