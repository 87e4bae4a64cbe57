import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { isFullLength, rounds, testAtFullLength } from '../full-length.ts';
import { buildPng, chunk, file, IEND, ihdr, randomPicture, rgbaOf } from './build-png.ts';

/** Wide rows, with every filter below another. */
const WIDE = [
  { name: 'grey of depth 1', colourType: 0, depth: 1, width: 2 ** 20 + 3, height: 2 },
  { name: 'grey of depth 4', colourType: 0, depth: 4, width: 2 ** 18 + 1, height: 5 },
  { name: 'grey and alpha of depth 8', colourType: 4, depth: 8, width: 70_001, height: 6 },
  { name: 'RGB of depth 8', colourType: 2, depth: 8, width: 87_381, height: 6 },
  { name: 'RGB of depth 16', colourType: 2, depth: 16, width: 21_846, height: 6 },
  { name: 'RGBA of depth 16', colourType: 6, depth: 16, width: 33_000, height: 7 },
];

/** In the slow suite all. */
const SAMPLE = ['grey of depth 4', 'grey and alpha of depth 8', 'RGB of depth 8'];

for (const [index, { name, colourType, depth, width, height }] of WIDE.entries()) {
  if (!isFullLength && !SAMPLE.includes(name)) continue;
  test(`decodePng: rows of more than 128 KiB, ${name} → exact`, () => {
    const random = randomPicture(colourType, depth, width, height);
    const picture = { ...random, rowFilter: (row: number) => (row * 2 + index) % 5 };
    expect(Buffer.compare(decodePng(buildPng(picture)).data, rgbaOf(picture))).toBe(0);
  });
}

testAtFullLength('decodePng: wide rows interlaced → exact', () => {
  const picture = randomPicture(6, 16, 40_001, 3, { interlace: 1 });
  expect(Buffer.compare(decodePng(buildPng(picture)).data, rgbaOf(picture))).toBe(0);
});

/** Rows of a picture one pixel wide. */
const ROWS = rounds(2 ** 19, 45_000_000);

test(`decodePng: 1×${ROWS} in a few kilobytes → time and memory in proportion to rows`, () => {
  const header = ihdr({ width: 1, height: ROWS, depth: 8, colourType: 0 });
  const lines = new Uint8Array(2 * ROWS);
  for (let at = 0; at < lines.length; at += 2) lines[at] = 2;
  lines[1] = 9;
  const png = file(header, chunk('IDAT', deflateSync(lines)), IEND);
  const before = process.memoryUsage().arrayBuffers;
  const started = process.cpuUsage().user;
  const { data } = decodePng(png, { maxPixels: ROWS });
  const seconds = (process.cpuUsage().user - started) / 1e6;
  expect([data[0], data.at(-4), data.at(-1)]).toEqual([9, 9, 255]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(7 * ROWS);
  // About 20 ns a row on a fast machine, 140 ns on a busy one that is slow at new pages of memory.
  expect(seconds).toBeLessThan(1 + ROWS * 500e-9);
});
