import { deflateSync } from 'node:zlib';
import * as fastPng from 'fast-png';
import { expect, test, vi } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { isFullLength, rounds } from '../full-length.ts';
import { buildPng, chunk, file, IEND, ihdr, randomPicture, rgbaOf } from './build-png.ts';

vi.mock('fast-png', { spy: true });

/** Rows just wider than the 128 KiB that fast-png gets at once, with every filter below another. */
const WIDE = [
  { name: 'grey of depth 1', colourType: 0, depth: 1, width: 2 ** 20 + 3, height: 2 },
  { name: 'grey of depth 4', colourType: 0, depth: 4, width: 2 ** 18 + 1, height: 5 },
  { name: 'grey and alpha of depth 8', colourType: 4, depth: 8, width: 70_001, height: 6 },
  { name: 'RGB of depth 8', colourType: 2, depth: 8, width: 87_381, height: 6 },
  { name: 'RGB of depth 16', colourType: 2, depth: 16, width: 21_846, height: 6 },
  { name: 'RGBA of depth 16', colourType: 6, depth: 16, width: 33_000, height: 7 },
];

/** Of each number of channels one; in the slow suite all. */
const SAMPLE = [
  'grey of depth 1',
  'grey and alpha of depth 8',
  'RGB of depth 8',
  'RGBA of depth 16',
];

for (const [index, { name, colourType, depth, width, height }] of WIDE.entries()) {
  if (!isFullLength && !SAMPLE.includes(name)) continue;
  test(`decodePng: rows of more than 128 KiB, ${name} → exact`, () => {
    const random = randomPicture(colourType, depth, width, height);
    const picture = { ...random, rowFilter: (row: number) => (row * 2 + index) % 5 };
    expect(Buffer.compare(decodePng(buildPng(picture)).data, rgbaOf(picture))).toBe(0);
  });
}

test('decodePng: wide rows interlaced → exact', () => {
  const picture = randomPicture(6, 16, 40_001, 3, { interlace: 1 });
  expect(Buffer.compare(decodePng(buildPng(picture)).data, rgbaOf(picture))).toBe(0);
});

/** Bytes of the widest row. */
const WIDEST = rounds(2 ** 21, 2 ** 24);

test(`decodePng: rows of 128 KiB and of ${WIDEST / 2 ** 20} MiB → fast-png is never given more than 257 KiB`, () => {
  const decode = vi.mocked(fastPng.decode);
  for (const width of [2 ** 17 - 1, 2 ** 17, WIDEST]) {
    decode.mockClear();
    const header = ihdr({ width, height: 2, depth: 8, colourType: 0 });
    const data = deflateSync(new Uint8Array(2 * (1 + width)));
    expect(decodePng(file(header, chunk('IDAT', data), IEND)).width).toBe(width);
    const lengths = decode.mock.calls.map(([png]) => (png as Uint8Array).length);
    expect(lengths.length).toBeGreaterThan(1);
    // Twice 128 KiB: a row of just that goes whole, below the one above it.
    expect(Math.max(...lengths)).toBeLessThan(257 * 1024);
  }
});
