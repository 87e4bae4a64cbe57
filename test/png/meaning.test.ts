import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeLatentPng } from '../../src/formats/index.ts';
import { decodePng } from '../../src/png/index.ts';
import { joined, latin1 } from '../bytes.ts';
import {
  chunk,
  file,
  IEND,
  idat,
  ihdr,
  randomPicture,
  rgbaOf,
  scanlinesOf,
  uint32,
} from './build-png.ts';
import { exif } from './generated.ts';
import { gammaTag, greyProfile, iccProfile, P3_D50, rgbProfile, SRGB_CURVE } from './icc.ts';

/*
 * Chunks that say how pixels are meant: what is applied, what is noted, and `colour: 'raw'`.
 */

const PICTURE = randomPicture(2, 8, 9, 7);
const PIXELS = rgbaOf(PICTURE);
const withChunks = (...chunks: Uint8Array[]): Uint8Array =>
  file(ihdr(PICTURE), ...chunks, idat(scanlinesOf(PICTURE)), IEND);
const iccp = (profile: Uint8Array): Uint8Array =>
  chunk('iCCP', joined(latin1('name\0\0'), deflateSync(profile)));
const P3 = chunk('cICP', [12, 13, 0, 1]);

/** The first pixel of a picture of one colour. */
function colourOf(colour: readonly number[], ...chunks: Uint8Array[]): number[] {
  const header = ihdr({ width: 1, height: 1, depth: 8, colourType: 2 });
  return [...decodePng(file(header, ...chunks, idat([0, ...colour]), IEND)).data];
}

test('decodePng: Display P3 by cICP and by iCCP → colours of sRGB, clipped', () => {
  const profile = iccp(rgbProfile(P3_D50, SRGB_CURVE));
  for (const chunks of [P3, profile]) {
    expect(colourOf([255, 0, 0], chunks)).toEqual([255, 0, 0, 255]);
    expect(colourOf([128, 102, 77], chunks)).toEqual([133, 101, 73, 255]);
    expect(colourOf([90, 90, 90], chunks)).toEqual([90, 90, 90, 255]);
  }
});

test('decodePng: gAMA 1.0 → linear light to sRGB; gAMA 1/2.2 alone, cHRM alone → unchanged', () => {
  const gama = (gamma: number) => chunk('gAMA', uint32(gamma));
  expect(colourOf([55, 10, 255], gama(100000))).toEqual([128, 56, 255, 255]);
  expect(colourOf([55, 10, 255], gama(45455))).toEqual([55, 10, 255, 255]);
});

test('decodePng: gAMA 1.0 of depth 16 → converted from 16 bits, not from 8', () => {
  const header = ihdr({ width: 2, height: 1, depth: 16, colourType: 0 });
  const png = file(header, chunk('gAMA', uint32(100000)), idat([0, 0, 64, 0, 128]), IEND);
  // 64/65535 is level 3.2, and 128/65535 is 6.4; of 8 bits both would be 0.
  expect([...decodePng(png).data]).toEqual([3, 3, 3, 255, 6, 6, 6, 255]);
});

for (const [name, chunks, notes] of [
  ['no chunks', [], []],
  ['cICP of P3', [P3], []],
  [
    'cICP of PQ',
    [chunk('cICP', [9, 16, 0, 1])],
    [
      'cICP at byte 33: the colours are shown as they are: high dynamic range (PQ) is not converted to sRGB',
    ],
  ],
  [
    'cICP of narrow range',
    [chunk('cICP', [1, 1, 0, 0])],
    ['cICP at byte 33: the colours are shown as they are: its narrow range is not expanded'],
  ],
  [
    'cICP of YCbCr',
    [chunk('cICP', [1, 13, 1, 1])],
    ['cICP at byte 33 is left out: expected matrix coefficients 0 (RGB), got 1'],
  ],
  [
    'iCCP with tables',
    [iccp(iccProfile('RGB ', { A2B0: new Uint8Array(32) }, { pcs: 'Lab ' }))],
    ['iCCP at byte 33: the profile is not applied: it has tables in three dimensions'],
  ],
  [
    'iCCP for grey',
    [iccp(greyProfile(gammaTag(1)))],
    ['iCCP at byte 33: the profile is not applied: it is for GRAY, and the picture is RGB'],
  ],
  [
    'iCCP of 64 MiB',
    [iccp(new Uint8Array(2 ** 26))],
    [
      'iCCP at byte 33 is left out: expected a profile of at most 1 MiB, got more than 1048576 bytes',
    ],
  ],
  [
    'iCCP of no zlib stream',
    [chunk('iCCP', latin1('name\0\0none'))],
    ['iCCP at byte 33 is left out: expected a profile of at most 1 MiB, got no zlib stream'],
  ],
  [
    'iCCP without a name',
    [chunk('iCCP', latin1('\0\0'))],
    ['iCCP at byte 33 is left out: expected a name and compression method 0, got none'],
  ],
  [
    'sRGB of intent 9',
    [chunk('sRGB', [9])],
    ['sRGB at byte 33 is left out: expected an intent from 0 to 3, got 9'],
  ],
  [
    'gAMA of 0',
    [chunk('gAMA', uint32(0))],
    ['gAMA at byte 33 is left out: expected a gamma above 0, got 0'],
  ],
  [
    'gAMA twice',
    [chunk('gAMA', uint32(45455)), chunk('gAMA', uint32(100000))],
    ['gAMA at byte 49 is left out: expected one gAMA, got a second'],
  ],
  [
    'cHRM of 28 bytes with gAMA',
    [chunk('cHRM', new Uint8Array(28)), chunk('gAMA', uint32(45455))],
    ['cHRM at byte 33 is left out: expected 32 bytes, got 28'],
  ],
] as const) {
  test(`decodePng: ${name} → ${notes.length === 0 ? 'no note' : notes[0]}`, () => {
    const decoded = decodePng(withChunks(...chunks));
    expect(decoded.notes).toEqual(notes);
    if (name !== 'cICP of P3') expect(decoded.data).toEqual(PIXELS);
  });
}

for (const [name, chunks] of [
  ['eXIf 6', [chunk('eXIf', exif(6))]],
  ['cICP of P3', [P3]],
  ['gAMA 1.0', [chunk('gAMA', uint32(100000))]],
  ['a profile that is not applied', [iccp(new Uint8Array(9))]],
] as const) {
  test(`decodePng: ${name}, colour raw → the samples as stored, no note`, () => {
    const { width, height, data, notes } = decodePng(withChunks(...chunks), { colour: 'raw' });
    expect([width, height, notes]).toEqual([9, 7, []]);
    expect(data).toEqual(PIXELS);
  });
}

test('decodePng: eXIf 6 on 24×8 → 8×24, turned clockwise', () => {
  const picture = randomPicture(2, 8, 24, 8);
  const png = file(ihdr(picture), chunk('eXIf', exif(6)), idat(scanlinesOf(picture)), IEND);
  const stored = rgbaOf(picture);
  const { width, height, data } = decodePng(png);
  expect([width, height]).toEqual([8, 24]);
  for (const [x, y] of [
    [0, 0],
    [7, 0],
    [0, 23],
    [3, 11],
  ]) {
    const from = ((7 - x) * 24 + y) * 4;
    const to = (y * 8 + x) * 4;
    expect([...data.subarray(to, to + 4)]).toEqual([...stored.subarray(from, from + 4)]);
  }
});

test('decodeLatentPng: chunks about colour and orientation → the numbers as stored', () => {
  const picture = randomPicture(6, 8, 4, 3);
  const data = idat(scanlinesOf(picture));
  const plain = decodeLatentPng(file(ihdr(picture), data, IEND));
  const meant = file(ihdr(picture), P3, chunk('eXIf', exif(6)), data, IEND);
  expect(decodeLatentPng(meant).latents).toEqual(plain.latents);
});
