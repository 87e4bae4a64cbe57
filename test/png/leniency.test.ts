import { deflateRawSync, deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { joined, latin1 } from '../bytes.ts';
import { acTL, fcTL, fdAT } from './animated.ts';
import {
  chunk,
  file,
  IEND,
  idat,
  ihdr,
  preamble,
  randomPicture,
  rgbaOf,
  scanlinesOf,
  uint32,
} from './build-png.ts';

/*
 * Files that break a rule without touching the pixels. Both Chromium and Firefox show them
 * (generated.browser.test.ts), so they are read, and the notes say what is left out.
 */

const RGB = randomPicture(2, 8, 9, 7);
const HEADER = ihdr(RGB);
const LINES = scanlinesOf(RGB);
const ZLIB = deflateSync(LINES);
const DATA = chunk('IDAT', ZLIB);
const GREY = randomPicture(0, 8, 9, 7);
const GREY_HEADER = ihdr(GREY);
const GREY_DATA = idat(scanlinesOf(GREY));
const RGBA = randomPicture(6, 8, 9, 7);
const INDEXED = randomPicture(3, 2, 9, 7);
const INDEXED_HEADER = ihdr(INDEXED);
const PALETTE = chunk('PLTE', INDEXED.palette);
const INDICES = idat(scanlinesOf(INDEXED));
const END = 33 + DATA.length;
const KEY = RGB.samples.slice(0, 3);
const RGB_KEY = chunk('tRNS', [0, KEY[0], 0, KEY[1], 0, KEY[2]]);

const withIdat = (...stream: Uint8Array[]): Uint8Array =>
  file(HEADER, chunk('IDAT', joined(...stream)), IEND);
const NO_END = 'there is no IEND after the pixels: the end of the file may be missing';
const leftOut = (name: string, rule: string, got: string): string =>
  `${name} is left out: expected ${rule}, got ${got}`;

/** The pixels with a black pixel for each index from `entries` on. */
function blackFrom(entries: number): Uint8Array {
  const palette = (INDEXED.palette ?? []).map((value, i) => (i < 3 * entries ? value : 0));
  return rgbaOf({ ...INDEXED, palette });
}

type Case = readonly [name: string, png: Uint8Array, pixels: Uint8Array, notes: string[]];

/** A frame of 4×3 at 2, 1 of a picture of 9×7, which is transparent around it. */
const PART = { width: 4, height: 3, x: 2, y: 1 };
const SMALL = randomPicture(2, 8, 4, 3);
const SMALL_ZLIB = deflateSync(scanlinesOf(SMALL));
const ON_CANVAS = new Uint8Array(9 * 7 * 4);
for (let y = 0; y < 3; y++) {
  ON_CANVAS.set(rgbaOf(SMALL).subarray(16 * y, 16 * (y + 1)), 4 * (9 * (y + 1) + 2));
}

/** Chunks of an animation at byte `FRAME` that break a rule. */
const FRAME = END + 20;
const BROKEN_FRAMES: readonly (readonly [name: string, chunks: Uint8Array[], fault: string])[] = [
  ['no frame', [], 'fcTL or fdAT is missing'],
  ['fdAT without fcTL', [fdAT(0, SMALL_ZLIB)], `fdAT at byte ${FRAME} comes too early`],
  ['fcTL without fdAT', [fcTL(0)], 'fcTL or fdAT is missing'],
  ['fcTL twice', [fcTL(0), fcTL(1)], `fcTL at byte ${FRAME + 38} comes too early`],
  ['fcTL of 2 bytes', [chunk('fcTL', [1, 2])], `fcTL at byte ${FRAME} is not number 0`],
  [
    'fcTL of 27 bytes',
    [chunk('fcTL', joined(fcTL(0).subarray(8, -4), [0]))],
    `fcTL at byte ${FRAME} breaks a rule`,
  ],
  [
    'a frame that leaves the picture',
    [fcTL(0, { ...PART, x: 6 })],
    `fcTL at byte ${FRAME} breaks a rule`,
  ],
  ['blend 2', [fcTL(0, { blend: 2 })], `fcTL at byte ${FRAME} breaks a rule`],
  ['sequence from 1', [fcTL(1)], `fcTL at byte ${FRAME} is not number 0`],
  [
    'a gap in the sequence',
    [fcTL(0, PART), fdAT(2, SMALL_ZLIB)],
    `fdAT at byte ${FRAME + 38} is not number 1`,
  ],
  [
    'fdAT of 3 bytes',
    [fcTL(0, PART), chunk('fdAT', [0, 0, 0])],
    `fdAT at byte ${FRAME + 38} is not number 1`,
  ],
];

const CASES: readonly Case[] = [
  ['IEND missing', file(HEADER, DATA), rgbaOf(RGB), [NO_END]],
  ['IEND cut', file(HEADER, DATA, IEND.subarray(0, 5)), rgbaOf(RGB), [NO_END]],
  ['IEND with data', file(HEADER, DATA, chunk('IEND', [1])), rgbaOf(RGB), []],
  ['IEND with a wrong CRC', file(HEADER, DATA, IEND.with(-1, 0)), rgbaOf(RGB), []],
  ['bytes behind IEND', file(HEADER, DATA, IEND, latin1('junk')), rgbaOf(RGB), []],
  ['bytes for IEND', file(HEADER, DATA, latin1('junk junk junk')), rgbaOf(RGB), [NO_END]],
  ['zeros for IEND', file(HEADER, DATA, new Uint8Array(40)), rgbaOf(RGB), [NO_END]],
  [
    'a chunk past the end, after the pixels',
    file(HEADER, DATA, joined(uint32(2 ** 31 - 1), latin1('tEXt'))),
    rgbaOf(RGB),
    [NO_END],
  ],
  [
    'an unknown critical chunk after the pixels',
    file(HEADER, DATA, chunk('ABCD'), IEND),
    rgbaOf(RGB),
    [],
  ],
  ['IHDR after the pixels', file(HEADER, DATA, HEADER, IEND), rgbaOf(RGB), []],
  ['PLTE after the pixels', file(HEADER, DATA, PALETTE, IEND), rgbaOf(RGB), []],
  [
    'IDAT after another chunk, after the pixels',
    file(HEADER, DATA, chunk('tIME'), chunk('IDAT', [1, 2]), IEND),
    rgbaOf(RGB),
    [],
  ],
  ['one byte more than the pixels', withIdat(deflateSync(joined(LINES, [0]))), rgbaOf(RGB), []],
  ['100 rows more', withIdat(deflateSync(joined(LINES, new Uint8Array(2800)))), rgbaOf(RGB), []],
  ['bytes after the Adler-32', withIdat(ZLIB, Uint8Array.of(1, 2, 3, 4, 5)), rgbaOf(RGB), []],
  [
    'an empty block after the pixels',
    withIdat(
      Uint8Array.of(0x78, 0x9c),
      deflateRawSync(LINES, { finishFlush: 2 }),
      Uint8Array.of(3, 0),
      ZLIB.subarray(-4),
    ),
    rgbaOf(RGB),
    [],
  ],
  [
    'a zlib window of 256 bytes',
    withIdat(Uint8Array.of(0x08, 0x1d), ZLIB.subarray(2)),
    rgbaOf(RGB),
    [],
  ],
  [
    'an animation whose first frame comes after the still picture',
    file(HEADER, acTL(), DATA, fcTL(0, PART), fdAT(1, SMALL_ZLIB), IEND),
    ON_CANVAS,
    [],
  ],
  [
    'an animation whose first frame is the still picture',
    file(HEADER, acTL(), fcTL(0), DATA, fcTL(1, PART), fdAT(2, SMALL_ZLIB), IEND),
    rgbaOf(RGB),
    [],
  ],
  [
    'acTL of 0 frames',
    file(HEADER, acTL(0), DATA, fcTL(0, PART), fdAT(1, SMALL_ZLIB), IEND),
    rgbaOf(RGB),
    [],
  ],
  ...BROKEN_FRAMES.map(
    ([name, chunks, fault]): Case => [
      name,
      file(HEADER, acTL(), DATA, ...chunks, IEND),
      rgbaOf(RGB),
      [`the still picture is read: ${fault}`],
    ],
  ),
  [
    'tRNS beside alpha',
    file(ihdr(RGBA), RGB_KEY, idat(scanlinesOf(RGBA)), IEND),
    rgbaOf(RGBA),
    [leftOut('tRNS at byte 33', 'no tRNS in colour type 6, which has alpha', 'one')],
  ],
  [
    'tRNS of 3 bytes in RGB',
    file(HEADER, chunk('tRNS', KEY), DATA, IEND),
    rgbaOf(RGB),
    [leftOut('tRNS at byte 33', '6 bytes', '3')],
  ],
  [
    'tRNS of 6 bytes in grey',
    file(GREY_HEADER, RGB_KEY, GREY_DATA, IEND),
    rgbaOf(GREY),
    [leftOut('tRNS at byte 33', '2 bytes', '6')],
  ],
  [
    'tRNS longer than the palette',
    file(INDEXED_HEADER, PALETTE, chunk('tRNS', [1, 2, 3, 4, 5]), INDICES, IEND),
    rgbaOf(INDEXED),
    [leftOut('tRNS at byte 57', '1 to 4 alphas, at most one for each palette entry', '5')],
  ],
  [
    'tRNS without alphas',
    file(INDEXED_HEADER, PALETTE, chunk('tRNS'), INDICES, IEND),
    rgbaOf(INDEXED),
    [leftOut('tRNS at byte 57', '1 to 4 alphas, at most one for each palette entry', '0')],
  ],
  [
    'tRNS before PLTE',
    file(INDEXED_HEADER, chunk('tRNS', [1]), PALETTE, INDICES, IEND),
    rgbaOf(INDEXED),
    [leftOut('tRNS at byte 33', 'PLTE before it', 'none')],
  ],
  [
    'tRNS before a suggested PLTE',
    file(HEADER, RGB_KEY, PALETTE, DATA, IEND),
    rgbaOf({ ...RGB, transparency: KEY }),
    [],
  ],
  [
    'tRNS twice: the first counts',
    file(INDEXED_HEADER, PALETTE, chunk('tRNS', [1, 2]), chunk('tRNS', [8, 9]), INDICES, IEND),
    rgbaOf({ ...INDEXED, transparency: [1, 2] }),
    [leftOut('tRNS at byte 71', 'one tRNS', 'a second')],
  ],
  [
    'tRNS after the pixels',
    file(HEADER, DATA, RGB_KEY, IEND),
    rgbaOf(RGB),
    [leftOut(`tRNS at byte ${END}`, 'a place before IDAT', 'one after it')],
  ],
  [
    'tRNS with a wrong CRC',
    file(HEADER, RGB_KEY.with(-1, RGB_KEY[17] ^ 1), DATA, IEND),
    rgbaOf(RGB),
    [leftOut('tRNS at byte 33', 'the CRC-32 of its data', 'another')],
  ],
  [
    'PLTE in grey',
    file(GREY_HEADER, PALETTE, GREY_DATA, IEND),
    rgbaOf(GREY),
    [leftOut('PLTE at byte 33', 'no palette in a grey picture', 'one')],
  ],
  [
    'a suggested PLTE of 4 bytes',
    file(HEADER, chunk('PLTE', [1, 2, 3, 4]), DATA, IEND),
    rgbaOf(RGB),
    [leftOut('PLTE at byte 33', 'a length divisible by 3', '4')],
  ],
  [
    'PLTE of 5 entries at depth 2',
    file(INDEXED_HEADER, chunk('PLTE', [...(INDEXED.palette ?? []), 1, 2, 3]), INDICES, IEND),
    rgbaOf(INDEXED),
    ['PLTE at byte 33 is cut: expected 1 to 4 entries, got 5'],
  ],
  [
    'an index past the palette: opaque black',
    file(INDEXED_HEADER, chunk('PLTE', INDEXED.palette?.slice(0, 6)), INDICES, IEND),
    blackFrom(2),
    ['pixels are black: expected palette indices below 2, got 3'],
  ],
];

for (const [name, png, pixels, notes] of CASES) {
  test(`decodePng: ${name} → the picture, and a note of what is left out`, () => {
    const before = png.slice();
    const decoded = decodePng(png);
    expect(decoded.notes).toEqual(notes);
    expect(decoded.data).toEqual(pixels);
    expect(png).toEqual(before);
  });
}

test('decodePng: IDAT, tEXt, IDAT with too few pixels in the first → FORMAT', () => {
  const png = file(
    HEADER,
    chunk('IDAT', ZLIB.subarray(0, 60)),
    chunk('tEXt', latin1('a\0b')),
    chunk('IDAT', ZLIB.subarray(60)),
    IEND,
  );
  expect(() => decodePng(png)).toThrow(
    expect.objectContaining({
      code: 'FORMAT',
      message:
        'decodePng: "IDAT at byte 120" expected a place right after the last IDAT, got a chunk between them',
    }),
  );
});

test('decodePng: 10⁵ chunks that break a rule → 17 notes', () => {
  const one = chunk('tRNS');
  const many = new Uint8Array(one.length * 100_000);
  for (let at = 0; at < many.length; at += one.length) many.set(one, at);
  const { notes } = decodePng(file(...preamble(RGB), many, DATA, IEND));
  expect(notes).toHaveLength(17);
  expect(notes.at(-1)).toBe('further chunks are left out');
});

test('decodePng: the first frame of an animation cut off or damaged → TRUNCATED, INTEGRITY', () => {
  const parts = [HEADER, acTL(), DATA, fcTL(0, PART)] as const;
  const frame = fdAT(1, SMALL_ZLIB);
  const name = `fdAT at byte ${FRAME + 38}`;
  for (const [png, code, message] of [
    [file(...parts, frame.subarray(0, -2)), 'TRUNCATED', `${frame.length - 12} bytes of data`],
    [file(...parts, fdAT(1, SMALL_ZLIB.subarray(0, -9)), IEND), 'TRUNCATED', 'after inflating'],
    [file(...parts, fdAT(1, []), IEND), 'TRUNCATED', 'a zlib header of 2 bytes'],
    [file(...parts, fdAT(1, SMALL_ZLIB.with(-1, 7)), IEND), 'INTEGRITY', 'Adler-32'],
    [file(...parts, fdAT(1, [1, 2, 3]), IEND), 'INTEGRITY', 'a zlib header'],
  ] as const) {
    const sentence = expect.stringMatching(`^decodePng: "${name}" expected .*${message}`);
    expect(() => decodePng(png)).toThrow(expect.objectContaining({ code, message: sentence }));
  }
});

test('decodePng: a frame of 10⁵ empty fdAT chunks → decodes', () => {
  const count = 100_000;
  const many = new Uint8Array(16 * count);
  for (let n = 0; n < count; n++) many.set(fdAT(n + 1, []), 16 * n);
  const png = file(HEADER, acTL(), DATA, fcTL(0, PART), many, fdAT(count + 1, SMALL_ZLIB), IEND);
  expect(decodePng(png).data).toEqual(ON_CANVAS);
});
