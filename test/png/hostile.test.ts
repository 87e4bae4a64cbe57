import { deflateRawSync, deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { decodePng } from '../../src/png/index.ts';
import { joined, latin1 } from '../bytes.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import {
  buildPng,
  chunk,
  file,
  IEND,
  idat,
  ihdr,
  KINDS,
  randomPicture,
  rgbaOf,
  scanlinesOf,
} from './build-png.ts';

/** One small picture of each colour type, depth and interlacing, with tRNS where it is legal. */
const SMALL = KINDS.flatMap(([colourType, depth]) =>
  [0, 1].map((interlace) =>
    randomPicture(colourType, depth, 3, 5, { interlace, transparent: colourType < 4 }),
  ),
);
const MUTATIONS = rounds(250, 20_000);
const PICTURE = randomPicture(2, 8, 3, 5);
const HEADER = ihdr(PICTURE);
const DATA = idat(scanlinesOf(PICTURE));

/** The code of the error, 'decoded' without one; anything but a TaesdError fails the test. */
function outcome(png: Uint8Array, name: string): string {
  try {
    const { width, height, data } = decodePng(png, { maxPixels: 100_000 });
    expect(data.length, name).toBe(width * height * 4);
    return 'decoded';
  } catch (error) {
    if (!(error instanceof TaesdError)) throw new Error(`${name}: ${error}`, { cause: error });
    expect(error.message, name).toMatch(/^decodePng: "[^"]+" expected .+, got .+/);
    // Small files: lack of memory would be a RangeError of another cause taken for one.
    expect(error.code, name).not.toBe('OOM');
    return error.code;
  }
}

/** In the quick suite every fourth cut. */
const CUT_STEP = rounds(4, 1);

test(`decodePng: each kind of picture cut at every ${CUT_STEP === 1 ? '' : '4th '}byte → TRUNCATED, decoded after the pixels`, () => {
  for (const picture of SMALL) {
    const png = buildPng(picture);
    const pixelsEnd = png.length - IEND.length;
    for (let cut = 0; cut < png.length; cut += CUT_STEP) {
      const name = `colour type ${picture.colourType}, depth ${picture.depth}, cut at ${cut}`;
      const wanted = cut === 0 ? 'FORMAT' : cut < pixelsEnd ? 'TRUNCATED' : 'decoded';
      expect(outcome(png.subarray(0, cut), name), name).toBe(wanted);
    }
    expect(decodePng(png.subarray(0, pixelsEnd)).data).toEqual(rgbaOf(picture));
    expect(decodePng(png).data).toEqual(rgbaOf(picture));
  }
});

/** In the quick suite every ninth byte. */
const STEP = rounds(9, 1);

test(`decodePng: every ${STEP === 1 ? '' : '9th '}byte changed in three ways → decodes or TaesdError`, () => {
  for (const picture of SMALL) {
    const png = buildPng(picture);
    for (let at = 0; at < png.length; at += STEP) {
      for (const change of [0x01, 0x80, 0xff]) {
        const copy = png.slice();
        copy[at] ^= change;
        outcome(copy, `colour type ${picture.colourType}, byte ${at} ^ ${change}`);
      }
    }
    expect(decodePng(png).data).toEqual(rgbaOf(picture));
  }
});

test(`decodePng: ${MUTATIONS} seeded mutations of the bytes → decodes or TaesdError`, () => {
  const random = seededRandom(1);
  const below = (limit: number): number => Math.floor(random() * limit);
  const files = SMALL.map(buildPng);
  for (let round = 0; round < MUTATIONS; round++) {
    const from = files[below(files.length)];
    const other = files[below(files.length)];
    const kind = below(4);
    const at = below(from.length);
    const to = Math.min(from.length, at + below(20));
    let mutant: Uint8Array = from.slice();
    if (kind === 0) for (let i = 0; i < 4; i++) mutant[below(mutant.length)] = below(256);
    if (kind === 1) mutant = joined(from.subarray(0, at), from.subarray(to));
    if (kind === 2) mutant = joined(from.subarray(0, to), from.subarray(at));
    if (kind === 3) mutant = joined(from.subarray(0, at), other.subarray(below(other.length)));
    outcome(mutant, `round ${round}, kind ${kind}`);
  }
  expect(decodePng(files[0]).data).toEqual(rgbaOf(SMALL[0]));
});

test(`decodePng: ${MUTATIONS} seeded mutations below the checksums → decodes or TaesdError`, () => {
  const random = seededRandom(2);
  const below = (limit: number): number => Math.floor(random() * limit);
  const codes = new Map<string, number>();
  for (let round = 0; round < MUTATIONS; round++) {
    const picture = SMALL[below(SMALL.length)];
    const lines = scanlinesOf(picture);
    const compressed = Uint8Array.from(
      deflateSync(lines, { level: below(10), strategy: below(5) }),
    );
    const header = Uint8Array.of(
      0,
      0,
      0,
      3,
      0,
      0,
      0,
      5,
      picture.depth,
      picture.colourType,
      0,
      0,
      0,
    );
    header[12] = picture.interlace ?? 0;
    const palette = Uint8Array.from(picture.palette ?? []);
    const kind = below(4);
    if (kind === 0)
      for (let i = 0; i < 3; i++) compressed[2 + below(compressed.length - 2)] = below(256);
    if (kind === 1) header[[3, 7, 8, 9, 10, 11, 12][below(7)]] = below(20);
    if (kind === 2) lines[below(lines.length)] = below(256);
    const data = kind === 2 ? deflateSync(lines) : compressed;
    const trns = kind === 3 ? [chunk('tRNS', new Uint8Array(below(9)))] : [];
    const plte = picture.colourType === 3 ? [chunk('PLTE', palette)] : [];
    const png = file(chunk('IHDR', header), ...plte, ...trns, chunk('IDAT', data), IEND);
    const code = outcome(png, `round ${round}, kind ${kind}`);
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // The mutations must reach every kind of failure, or they test too little.
  expect([...codes.keys()].sort()).toEqual(
    ['FORMAT', 'INTEGRITY', 'TRUNCATED', 'UNSUPPORTED', 'decoded'].sort(),
  );
});

/** 64 MiB of zeros in 64 KiB. */
const BOMB = Uint8Array.from(deflateSync(new Uint8Array(2 ** 26), { level: 9 }));

test('decodePng: bombs in iCCP, zTXt, iTXt → never inflated, the picture decodes', () => {
  const png = file(
    HEADER,
    chunk('iCCP', joined(latin1('profile\0\0'), BOMB)),
    chunk('zTXt', joined(latin1('text\0\0'), BOMB)),
    chunk('iTXt', joined(latin1('text\0\x01\0\0\0'), BOMB)),
    // Had anything tried to inflate these, it would have failed.
    chunk('iCCP', latin1('no zlib stream')),
    chunk('zTXt', latin1('no zlib stream')),
    DATA,
    IEND,
  );
  const before = process.memoryUsage().arrayBuffers;
  const { data, text } = decodePng(png);
  expect(data).toEqual(rgbaOf(PICTURE));
  expect(text.size).toBe(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
});

test('decodePng: a 1 GiB bomb in IDAT → the picture alone is inflated', () => {
  // A thousand times the same 1 MiB: a full flush makes raw DEFLATE data repeatable.
  const part = deflateRawSync(new Uint8Array(2 ** 20), { level: 9, finishFlush: 3 });
  const pixels = deflateRawSync(scanlinesOf(PICTURE), { finishFlush: 3 });
  const bomb = joined([0x78, 0x9c], pixels, ...Array.from({ length: 1024 }, () => part));
  const before = process.memoryUsage().arrayBuffers;
  const started = process.cpuUsage().user;
  const { data } = decodePng(file(HEADER, chunk('IDAT', bomb), IEND));
  expect(data).toEqual(rgbaOf(PICTURE));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  // The CRC-32 of 1 MB; inflating it all would take seconds.
  expect(process.cpuUsage().user - started).toBeLessThan(1_000_000);
});

/** A zlib stream of blocks, each with codes of its own for 64 bytes. */
function dynamicBlocks(count: number): Uint8Array {
  const random = seededRandom(3);
  const bytes = Uint8Array.from({ length: 64 * count }, () => Math.floor(random() ** 4 * 60));
  bytes[0] = 0;
  bytes[1] = 1;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 64) {
    const isLast = at + 64 === bytes.length;
    // Without matches (strategy 2), so that a block needs nothing of the ones before.
    const options = { strategy: 2, finishFlush: isLast ? 4 : 2 };
    parts.push(deflateRawSync(bytes.subarray(at, at + 64), options));
  }
  return joined([0x78, 0x9c], ...parts, deflateSync(bytes).subarray(-4));
}

const BLOCKS = rounds(4_000, 20_000);

test(`decodePng: ${BLOCKS} blocks with codes of their own → in proportion to their bytes`, () => {
  const blocks = dynamicBlocks(BLOCKS);
  const pixels = 64 * BLOCKS;
  const png = file(
    ihdr({ width: pixels - 1, height: 1, depth: 8, colourType: 0 }),
    chunk('IDAT', blocks),
    IEND,
  );
  const started = process.cpuUsage().user;
  expect(decodePng(png).data[0]).toBe(1);
  // About 5 µs a block. Tables of 2^15 entries took 250 µs.
  expect(process.cpuUsage().user - started).toBeLessThan(100 * BLOCKS);
});

const EMPTY_MB = rounds(3, 10);

test(`decodePng: ${EMPTY_MB} MB of empty DEFLATE blocks after the pixels → decodes`, () => {
  const blocks = new Uint8Array(1_000_000 * EMPTY_MB).map((_, at) => (at % 5 < 3 ? 0 : 0xff));
  const open = deflateRawSync(scanlinesOf(PICTURE), { finishFlush: 3 });
  const adler = deflateSync(scanlinesOf(PICTURE)).subarray(-4);
  const stream = joined([0x78, 0x9c], open, blocks, [3, 0], adler);
  const { data } = decodePng(file(HEADER, chunk('IDAT', stream), IEND));
  expect(data).toEqual(rgbaOf(PICTURE));
});

/** `count` times the same chunk between `before` and `after`, without building it in pieces. */
function repeated(before: Uint8Array, one: Uint8Array, count: number, after: Uint8Array) {
  const png = new Uint8Array(before.length + one.length * count + after.length);
  png.set(before);
  const at = (i: number) => before.length + i * one.length;
  png.set(one, at(0));
  for (let done = 1; done < count; done *= 2) {
    png.copyWithin(at(done), at(0), at(Math.min(done, count - done)));
  }
  png.set(after, png.length - after.length);
  return png;
}

const CHUNKS = rounds(100_000, 1_000_000);

for (const type of ['IDAT', 'tEXt', 'abCd', 'iCCP']) {
  test(`decodePng: ${CHUNKS} empty ${type} chunks → decodes`, () => {
    const png = repeated(file(HEADER), chunk(type), CHUNKS, joined(DATA, IEND));
    expect(decodePng(png).data).toEqual(rgbaOf(PICTURE));
  });
}

test('decodePng: 10⁶ empty PLTE chunks → FORMAT at the first', () => {
  const png = repeated(file(HEADER), chunk('PLTE'), 1_000_000, joined(DATA, IEND));
  expect(() => decodePng(png)).toThrow(
    new TaesdError('FORMAT', 'decodePng: "PLTE at byte 33" expected 1 to 256 entries, got 0'),
  );
});
