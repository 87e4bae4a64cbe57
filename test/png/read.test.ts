import { getHeapStatistics } from 'node:v8';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { DEFAULT_MAX_PIXELS, decodePng } from '../../src/png/index.ts';
import { TextCollector } from '../../src/png/text.ts';
import { joined, latin1 } from '../bytes.ts';
import {
  buildPng,
  chunk,
  file,
  IEND,
  idat,
  ihdr,
  KINDS,
  type Picture,
  randomPicture,
  rgbaOf,
  scanlinesOf,
} from './build-png.ts';

/** 1×1, 1×3, 5×1 and 3×5 leave some of Adam7's passes without pixels. */
const SIZES = [
  [1, 1],
  [1, 3],
  [5, 1],
  [3, 5],
  [8, 8],
  [9, 7],
] as const;

function expectPixels(name: string, png: Uint8Array, picture: Picture): void {
  const { width, height, data } = decodePng(png);
  const wanted = rgbaOf(picture);
  const bad = wanted.findIndex((value, i) => value !== data[i]);
  expect({ name, width, height, length: data.length, bad, got: data[bad] }).toEqual({
    name,
    width: picture.width,
    height: picture.height,
    length: wanted.length,
    bad: -1,
    got: undefined,
  });
}

for (const [colourType, depth] of KINDS) {
  for (const interlace of [0, 1]) {
    for (const transparent of colourType < 4 ? [false, true] : [false]) {
      const name = `colour type ${colourType}, depth ${depth}, interlace ${interlace}, tRNS ${transparent}`;
      test(`decodePng: ${name}, all sizes and filters → exact RGBA`, () => {
        for (const [width, height] of SIZES) {
          const options = { interlace, transparent };
          const picture = randomPicture(colourType, depth, width, height, options);
          expectPixels(`${width}×${height} mixed`, buildPng(picture), picture);
          for (const filter of [0, 1, 2, 3, 4]) {
            const filtered = { ...picture, rowFilter: () => filter };
            expectPixels(`${width}×${height} filter ${filter}`, buildPng(filtered), picture);
          }
        }
      });
    }
  }
}

test('decodePng: all 65536 grey levels of depth 16 → nearest of 256', () => {
  const samples = Array.from({ length: 65536 }, (_, value) => value);
  const picture = { width: 256, height: 256, depth: 16, colourType: 0, samples };
  expectPixels('ramp', buildPng(picture), picture);
});

test('decodePng: tRNS of depth 16 → compares both bytes', () => {
  const samples = [0x1234, 0x1235, 0x1334, 0x1234];
  const picture = {
    width: 4,
    height: 1,
    depth: 16,
    colourType: 0,
    samples,
    transparency: [0x1234],
  };
  const { data } = decodePng(buildPng(picture));
  expect([data[3], data[7], data[11], data[15]]).toEqual([0, 255, 255, 0]);
});

test('decodePng: tRNS with bits above the depth → only the low bits count', () => {
  const picture = { width: 2, height: 1, depth: 2, colourType: 0, samples: [1, 2] };
  const png = file(ihdr(picture), chunk('tRNS', [0xff, 0xfd]), idat(scanlinesOf(picture)), IEND);
  expect([...decodePng(png).data]).toEqual([85, 85, 85, 0, 170, 170, 170, 255]);
});

// Above 128 KiB of scanlines the filters are undone in bands, each of which needs the row above it.
for (const [colourType, depth, width, height] of [
  [6, 8, 304, 300],
  [2, 16, 240, 240],
  [0, 4, 760, 760],
] as const) {
  for (const interlace of [0, 1]) {
    const name = `colour type ${colourType}, depth ${depth}, interlace ${interlace}`;
    test(`decodePng: ${name}, ${width}×${height}, several bands → exact RGBA`, () => {
      const tile = randomPicture(colourType, depth, 8, 5);
      const perTileRow = tile.samples.length / 5;
      const samples: number[] = [];
      for (let y = 0; y < height; y++) {
        const start = ((y * 3) % 5) * perTileRow;
        const row = tile.samples.slice(start, start + perTileRow);
        for (let i = 0; i < (width / 8) * perTileRow; i++) samples.push(row[i % row.length]);
      }
      const picture = { width, height, depth, colourType, interlace, samples };
      expectPixels('bands', buildPng(picture), picture);
    });
  }
}

const PICTURE = randomPicture(2, 8, 9, 7);
const COMPRESSED = deflateSync(scanlinesOf(PICTURE));

test('decodePng: IDAT split at every byte, and empty IDAT chunks → exact RGBA', () => {
  for (let cut = 0; cut <= COMPRESSED.length; cut++) {
    const parts = [COMPRESSED.subarray(0, cut), COMPRESSED.subarray(cut)];
    const png = file(ihdr(PICTURE), ...parts.map((part) => chunk('IDAT', part)), IEND);
    expectPixels(`cut at ${cut}`, png, PICTURE);
  }
  const single = Array.from(COMPRESSED, (byte) => chunk('IDAT', [byte]));
  const png = file(ihdr(PICTURE), chunk('IDAT'), ...single, chunk('IDAT'), IEND);
  expectPixels('one byte each', png, PICTURE);
});

test('decodePng: every zlib level and strategy → exact RGBA', () => {
  const lines = scanlinesOf(PICTURE);
  for (let level = 0; level <= 9; level++) {
    for (let strategy = 0; strategy <= 4; strategy++) {
      const data = chunk('IDAT', deflateSync(lines, { level, strategy }));
      expectPixels(`${level} ${strategy}`, file(ihdr(PICTURE), data, IEND), PICTURE);
    }
  }
});

test('decodePng: bytes after the zlib stream and after IEND → ignored', () => {
  const junk = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
  const png = file(ihdr(PICTURE), chunk('IDAT', joined(COMPRESSED, junk)), IEND, junk);
  expectPixels('junk', png, PICTURE);
});

test('decodePng: 3 MB after the zlib stream → ignored', () => {
  const junk = new Uint8Array(3_000_000).fill(0x55);
  expectPixels('junk', file(ihdr(PICTURE), chunk('IDAT', joined(COMPRESSED, junk)), IEND), PICTURE);
});

test('decodePng: a subarray at an odd offset, a Buffer → exact RGBA, input unchanged', () => {
  const png = buildPng(PICTURE);
  const inside = joined([1, 2, 3], png, [4, 5]).subarray(3, 3 + png.length);
  const copy = inside.slice();
  expectPixels('subarray', inside, PICTURE);
  expectPixels('Buffer', Buffer.from(png), PICTURE);
  expect(inside).toEqual(copy);
});

test('decodePng: suggested palette in RGB, unknown ancillary chunks, APNG chunks → ignored', () => {
  const png = file(
    ihdr(PICTURE),
    chunk('PLTE', [1, 2, 3]),
    chunk('acTL', [0, 0, 0, 1, 0, 0, 0, 0]),
    chunk('abCd', [1, 2, 3]),
    idat(scanlinesOf(PICTURE)),
    chunk('fdAT', [0, 0, 0, 1, 9]),
    IEND,
  );
  expectPixels('extras', png, PICTURE);
});

test('decodePng: tEXt chunks → a map of Latin-1 texts, the later of two wins', () => {
  const { text } = decodePng(
    file(
      ihdr(PICTURE),
      chunk('tEXt', latin1('Title\0caf\xe9 \x80')),
      chunk('tEXt', latin1('__proto__\0just a name')),
      idat(scanlinesOf(PICTURE)),
      chunk('tEXt', latin1('Empty\0')),
      chunk('tEXt', latin1('Title\0later')),
      chunk('tEXt', latin1('After\0caf\xe9 \x80')),
      IEND,
    ),
  );
  expect([...text]).toEqual([
    ['Title', 'later'],
    ['__proto__', 'just a name'],
    ['Empty', ''],
    ['After', 'caf\xe9 \x80'],
  ]);
});

test('decodePng: malformed, damaged, overlong or too many tEXt chunks → left out', () => {
  const damaged = chunk('tEXt', latin1('Damaged\0text'));
  damaged[damaged.length - 1] ^= 1;
  const many = Array.from({ length: 1000 }, (_, i) => chunk('tEXt', latin1(`k${i}\0v`)));
  const { text } = decodePng(
    file(
      ihdr(PICTURE),
      chunk('tEXt', latin1('no NUL')),
      chunk('tEXt', latin1('\0no keyword')),
      chunk('tEXt', latin1(`${'k'.repeat(80)}\0keyword too long`)),
      chunk('tEXt', latin1(`Long\0${'x'.repeat(65537)}`)),
      chunk('tEXt', latin1(`Longest\0${'x'.repeat(65536)}`)),
      damaged,
      ...many,
      idat(scanlinesOf(PICTURE)),
      IEND,
    ),
  );
  expect(text.size).toBe(256);
  expect([...text.keys()].slice(0, 2)).toEqual(['Longest', 'k0']);
});

test('decodePng: more than 1 MiB of text → what comes first is kept, and memory in proportion', () => {
  const name = (i: number) => `k${String(i).padStart(2, '0')}`;
  const texts = Array.from({ length: 20 }, (_, i) =>
    chunk('tEXt', latin1(`${name(i)}\0${String.fromCharCode(65 + i).repeat(65536)}`)),
  );
  const { text } = decodePng(
    file(
      ihdr(PICTURE),
      ...texts,
      // Without the length of the earlier one there is room for the later one.
      chunk('tEXt', latin1('k00\0short')),
      chunk('tEXt', latin1('Last\0fits again')),
      idat(scanlinesOf(PICTURE)),
      IEND,
    ),
  );
  expect([...text.keys()]).toEqual([...Array.from({ length: 16 }, (_, i) => name(i)), 'Last']);
  expect(text.get('k00')).toBe('short');
  expect(text.get('k15')).toBe('P'.repeat(65536));
});

test('TextCollector: 16 MiB in 256 chunks → less than 4 MiB of heap', () => {
  const texts = Array.from({ length: 256 }, (_, i) =>
    joined(latin1(`k${i}\0`), new Uint8Array(65536).fill(65)),
  );
  const collector = new TextCollector();
  const before = getHeapStatistics().used_heap_size;
  for (const data of texts) collector.add(data);
  expect(collector.texts.size).toBe(16);
  // 32 MiB of pieces if the texts were put together character by character.
  expect(getHeapStatistics().used_heap_size - before).toBeLessThan(2 ** 22);
});

test('decodePng: maxPixels at the very size → decodes; the default → 2²⁶', () => {
  expect(decodePng(buildPng(PICTURE), { maxPixels: 63 }).width).toBe(9);
  expect(DEFAULT_MAX_PIXELS).toBe(2 ** 26);
});
