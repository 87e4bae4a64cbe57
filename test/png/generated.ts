import { deflateRawSync, deflateSync } from 'node:zlib';
import { joined, latin1 } from '../bytes.ts';
import {
  chunk,
  file,
  IEND,
  ihdr,
  KINDS,
  type Picture,
  randomPicture,
  scanlinesOf,
  uint32,
} from './build-png.ts';
import * as icc from './icc.ts';

/*
 * PNG files of every colour type, depth, interlacing and filter with every ancillary chunk, well
 * formed and broken, and files whose structure is broken. animated.ts makes animations.
 */

/** A file. Its name begins with its group, the same for all kinds of pictures. */
export interface Generated {
  readonly group: string;
  readonly name: string;
  readonly png: Uint8Array;
}

/** Chunks to add to a picture, by their place. */
interface Additions {
  /** Right after IHDR, before a palette picture's PLTE. */
  readonly first?: readonly Uint8Array[];
  /** Right before IDAT. */
  readonly last?: readonly Uint8Array[];
  /** After IDAT. */
  readonly late?: readonly Uint8Array[];
}

const badCrc = (one: Uint8Array): Uint8Array => one.with(one.length - 1, one[one.length - 1] ^ 1);
const first = (...chunks: Uint8Array[]): Additions => ({ first: chunks });
const last = (...chunks: Uint8Array[]): Additions => ({ last: chunks });
const late = (...chunks: Uint8Array[]): Additions => ({ late: chunks });

const gama = (gamma: number): Uint8Array => chunk('gAMA', uint32(gamma));
const chrm = (...values: number[]): Uint8Array =>
  chunk('cHRM', joined(...values.map((value) => uint32(Math.round(value * 100000)))));
const SRGB_PRIMARIES = chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06);
const P3_PRIMARIES = chrm(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
/** Adobe RGB, with a white of its own: D50. */
const D50_PRIMARIES = chrm(0.3457, 0.3585, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06);
const srgb = (intent: number): Uint8Array => chunk('sRGB', [intent]);
const cicp = (...values: number[]): Uint8Array => chunk('cICP', values);
const iccp = (profile: Uint8Array): Uint8Array =>
  chunk('iCCP', joined(latin1('profile\0\0'), deflateSync(profile)));

const P3_PROFILE = icc.rgbProfile(icc.P3_D50, icc.SRGB_CURVE);
const SRGB_PROFILE = icc.rgbProfile(icc.SRGB_D50, icc.SRGB_CURVE);
/** Points of a curve that is steeper than a straight line. */
const POINTS = [0, 1000, 5000, 20000, 65535];

/** A TIFF structure with one entry, the orientation. */
export const exif = (orientation: number, isLittle = true): Uint8Array =>
  isLittle
    ? joined(latin1('II*\0'), [
        8,
        0,
        0,
        0,
        1,
        0,
        0x12,
        1,
        3,
        0,
        1,
        0,
        0,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ])
    : joined(latin1('MM\0*'), [
        0,
        0,
        0,
        8,
        0,
        1,
        1,
        0x12,
        0,
        3,
        0,
        0,
        0,
        1,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
      ]);

/** tRNS that fits the picture; beside alpha, one of 6 bytes. */
function transparency({ colourType, depth, samples }: Picture, nth = 0): Uint8Array {
  if (colourType === 3) return chunk('tRNS', [10 + nth, 100, 200].slice(0, 2 ** depth - 1));
  const channels = colourType === 0 ? 1 : 3;
  const values = samples.slice(nth * channels, (nth + 1) * channels);
  return chunk(
    'tRNS',
    values.flatMap((value) => [value >> 8, value & 255]),
  );
}

const PALETTE = chunk('PLTE', [1, 2, 3, 40, 50, 60]);
const isIndexed = ({ colourType }: Picture): boolean => colourType === 3;

/** Chunks that have nothing to do with the pixels that a reader shows. */
const IGNORED: Readonly<Record<string, Uint8Array>> = {
  bKGD: chunk('bKGD', [0, 1, 0, 2, 0, 3]),
  hIST: chunk('hIST', [0, 1]),
  pHYs: chunk('pHYs', [0, 0, 11, 19, 0, 0, 22, 38, 1]),
  sBIT: chunk('sBIT', [5, 5, 5]),
  sPLT: chunk('sPLT', joined(latin1('name\0'), [8, 1, 2, 3, 4, 0, 1])),
  tIME: chunk('tIME', [7, 230, 1, 2, 3, 4, 5]),
  tEXt: chunk('tEXt', latin1('Title\0text')),
  zTXt: chunk('zTXt', joined(latin1('Title\0\0'), deflateSync(latin1('text')))),
  iTXt: chunk('iTXt', latin1('Title\0\0\0\0\0text')),
  cLLI: chunk('cLLI', joined(uint32(10_000_000), uint32(1_000_000))),
  mDCV: chunk('mDCV', joined([...Array(16).keys()], uint32(10_000_000), uint32(1))),
  abCd: chunk('abCd', [1, 2, 3]),
};

/** Every ancillary chunk, by the name of its group. */
const ANCILLARY: Readonly<Record<string, (picture: Picture) => Additions>> = {
  'nothing more': () => ({}),
  tRNS: (picture) => last(transparency(picture)),
  'tRNS of 1 byte': (picture) => last(chunk('tRNS', isIndexed(picture) ? [] : [1])),
  'tRNS twice': (picture) => last(transparency(picture), transparency(picture, 1)),
  'tRNS with a wrong CRC': (picture) => last(badCrc(transparency(picture))),
  'tRNS first': (picture) => first(transparency(picture)),
  'tRNS late': (picture) => late(transparency(picture)),
  'tRNS too long': (picture) =>
    last(chunk('tRNS', isIndexed(picture) ? new Uint8Array(300).fill(9) : new Uint8Array(9))),
  'PLTE suggested': (picture) => (isIndexed(picture) ? {} : last(PALETTE)),
  'PLTE suggested, of 4 bytes': (picture) =>
    isIndexed(picture) ? {} : last(chunk('PLTE', [1, 2, 3, 4])),
  'PLTE late': (picture) => (isIndexed(picture) ? {} : late(PALETTE)),
  ...Object.fromEntries(
    Object.entries(IGNORED).flatMap(([type, one]) => [
      [type, () => last(one)],
      [`${type} late`, () => late(one)],
      [`${type} with a wrong CRC`, () => last(badCrc(one))],
      [`${type} empty`, () => last(chunk(type))],
    ]),
  ),
  'gAMA 45455': () => first(gama(45455)),
  'gAMA 100000': () => first(gama(100000)),
  'gAMA 55556': () => first(gama(55556)),
  'gAMA 0': () => first(gama(0)),
  'gAMA of 3 bytes': () => first(chunk('gAMA', [1, 0x86, 0xa0])),
  'gAMA with a wrong CRC': () => first(badCrc(gama(100000))),
  'gAMA late': () => late(gama(100000)),
  'gAMA twice': () => first(gama(45455), gama(100000)),
  'cICP of no bytes, then P3': () => first(chunk('cICP', []), cicp(12, 13, 0, 1)),
  'gAMA after PLTE': (picture) => (isIndexed(picture) ? last(gama(100000)) : {}),
  'cHRM of P3': () => first(P3_PRIMARIES),
  'cHRM of P3, gAMA 45455': () => first(P3_PRIMARIES, gama(45455)),
  'cHRM of sRGB, gAMA 45455': () => first(SRGB_PRIMARIES, gama(45455)),
  'cHRM with D50, gAMA 100000': () => first(gama(100000), D50_PRIMARIES),
  'cHRM of one point, gAMA 45455': () => first(chrm(...Array(8).fill(0.3)), gama(45455)),
  'cHRM of 28 bytes, gAMA 45455': () => first(chunk('cHRM', new Uint8Array(28)), gama(45455)),
  sRGB: () => first(srgb(0)),
  'sRGB 9, gAMA 45455': () => first(srgb(9), gama(45455)),
  'sRGB, gAMA 45455, cHRM of sRGB': () => first(srgb(1), gama(45455), SRGB_PRIMARIES),
  'sRGB, gAMA 100000, cHRM of P3': () => first(srgb(0), gama(100000), P3_PRIMARIES),
  'cICP P3': () => first(cicp(12, 13, 0, 1)),
  'cICP sRGB': () => first(cicp(1, 13, 0, 1)),
  'cICP BT.2020 with the curve of sRGB': () => first(cicp(9, 13, 0, 1)),
  'cICP linear': () => first(cicp(1, 8, 0, 1)),
  'cICP gamma 2.2': () => first(cicp(1, 4, 0, 1)),
  'cICP gamma 2.8': () => first(cicp(5, 5, 0, 1)),
  'cICP DCI-P3': () => first(cicp(11, 13, 0, 1)),
  'cICP P3, sRGB': () => first(cicp(12, 13, 0, 1), srgb(0)),
  'cICP BT.709': () => first(cicp(1, 1, 0, 1)),
  'cICP PQ': () => first(cicp(9, 16, 0, 1)),
  'cICP HLG': () => first(cicp(9, 18, 0, 1)),
  'cICP BT.709 of narrow range': () => first(cicp(1, 1, 0, 0)),
  'cICP P3 of narrow range': () => first(cicp(12, 13, 0, 0)),
  'cICP unspecified': () => first(cicp(2, 2, 0, 1)),
  'cICP reserved': () => first(cicp(99, 13, 0, 1)),
  'cICP YCbCr': () => first(cicp(12, 13, 1, 1)),
  'cICP of 3 bytes': () => first(cicp(12, 13, 0)),
  'cICP with a wrong CRC': () => first(badCrc(cicp(12, 13, 0, 1))),
  'cICP late': () => late(cicp(12, 13, 0, 1)),
  'iCCP P3': () => first(iccp(P3_PROFILE)),
  'iCCP P3, sRGB': () => first(iccp(P3_PROFILE), srgb(0)),
  'iCCP sRGB': () => first(iccp(SRGB_PROFILE)),
  'iCCP P3, gamma 1.8, version 2': () =>
    first(iccp(icc.rgbProfile(icc.P3_D50, icc.gammaTag(1.8), { version: 2 }))),
  'iCCP sRGB, linear': () => first(iccp(icc.rgbProfile(icc.SRGB_D50, icc.gammaTag(1)))),
  'iCCP sRGB, a table of 5 points': () =>
    first(iccp(icc.rgbProfile(icc.SRGB_D50, icc.curveTag(POINTS)))),
  'iCCP grey, linear': () => first(iccp(icc.greyProfile(icc.gammaTag(1)))),
  'iCCP CMYK': () => first(iccp(icc.iccProfile('CMYK', {}))),
  'iCCP with a table in three dimensions': () =>
    first(
      iccp(
        icc.iccProfile('RGB ', { A2B0: new Uint8Array(32) }, { pcs: 'Lab ', deviceClass: 'scnr' }),
      ),
    ),
  'iCCP of no profile': () => first(iccp(latin1('no profile at all, and too short'))),
  'iCCP of no zlib stream': () => first(chunk('iCCP', latin1('profile\0\0no zlib'))),
  'iCCP late': () => late(iccp(P3_PROFILE)),
  'iCCP with a wrong CRC': () => first(badCrc(iccp(P3_PROFILE))),
  'iCCP of 2 MiB': () => first(iccp(joined(P3_PROFILE, new Uint8Array(2 ** 21)))),
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`eXIf ${n}`, () => first(chunk('eXIf', exif(n)))]),
  ),
  'eXIf 6, big-endian': () => last(chunk('eXIf', exif(6, false))),
  'eXIf 9': () => first(chunk('eXIf', exif(9))),
  'eXIf twice': () => first(chunk('eXIf', exif(6)), chunk('eXIf', exif(3))),
  'eXIf late': () => late(chunk('eXIf', exif(6))),
  'eXIf with a wrong CRC': () => first(badCrc(chunk('eXIf', exif(6)))),
  'eXIf with the prefix of JPEG': () => first(chunk('eXIf', joined(latin1('Exif\0\0'), exif(6)))),
  'eXIf empty': () => first(chunk('eXIf')),
  'eXIf of no TIFF': () => first(chunk('eXIf', latin1('no TIFF at all'))),
};

const FILTERS = ['0', '1', '2', '3', '4', 'mixed'] as const;

interface Base {
  readonly name: string;
  readonly picture: Picture;
  readonly data: Uint8Array;
}

/** Pictures of one kind: each interlacing with each filter. */
function basesOf([colourType, depth]: readonly [number, number]): Base[] {
  return [0, 1].flatMap((interlace) => {
    const picture = randomPicture(colourType, depth, 9, 7, { interlace });
    return FILTERS.map((filter) => {
      const rows = filter === 'mixed' ? picture : { ...picture, rowFilter: () => Number(filter) };
      const name = `colour type ${colourType}, depth ${depth}, interlace ${interlace}, filter ${filter}`;
      return { name, picture, data: chunk('IDAT', deflateSync(scanlinesOf(rows))) };
    });
  });
}

/**
 * Makes every kind of picture with every ancillary chunk.
 *
 * @param isWhole  with every interlacing and filter; else with one of them, in turn
 */
export function withAncillary(isWhole: boolean): Generated[] {
  const groups = Object.entries(ANCILLARY);
  return KINDS.flatMap((kind, k) => {
    const bases = basesOf(kind);
    return groups.flatMap(([group, make], g) =>
      (isWhole ? bases : [bases[(5 * g + 7 * k) % bases.length]]).map(({ name, picture, data }) => {
        const { first: head = [], last: tail = [], late: rest = [] } = make(picture);
        const palette = picture.palette === undefined ? [] : [chunk('PLTE', picture.palette)];
        const png = file(ihdr(picture), ...head, ...palette, ...tail, data, ...rest, IEND);
        return { group, name: `${group}: ${name}`, png };
      }),
    );
  });
}

const RGB = randomPicture(2, 8, 9, 7);
const HEADER = ihdr(RGB);
const LINES = scanlinesOf(RGB);
const ZLIB = deflateSync(LINES);
const DATA = chunk('IDAT', ZLIB);
const INDEXED = randomPicture(3, 2, 9, 7);
const COLOURS = INDEXED.palette ?? [];
const INDEXED_HEADER = ihdr(INDEXED);
const INDICES = chunk('IDAT', deflateSync(scanlinesOf(INDEXED)));
const GREY_HEADER = ihdr({ ...INDEXED, colourType: 0 });
const stream = (...parts: Uint8Array[]): Uint8Array[] => [
  HEADER,
  chunk('IDAT', joined(...parts)),
  IEND,
];
const ZLIB_HEAD = Uint8Array.of(0x78, 0x9c);
const OPEN = joined(ZLIB_HEAD, deflateRawSync(LINES, { finishFlush: 2 }));

/** Files of a broken structure, by the name of their group. */
const BROKEN: Readonly<Record<string, readonly Uint8Array[]>> = {
  'PLTE of 5 entries at depth 2': [
    INDEXED_HEADER,
    chunk('PLTE', [...COLOURS, 1, 2, 3]),
    INDICES,
    IEND,
  ],
  'PLTE of 257 entries': [INDEXED_HEADER, chunk('PLTE', new Uint8Array(771)), INDICES, IEND],
  'PLTE of 257 entries, suggested': [HEADER, chunk('PLTE', new Uint8Array(771)), DATA, IEND],
  'PLTE of 10 bytes': [INDEXED_HEADER, chunk('PLTE', COLOURS.slice(0, 10)), INDICES, IEND],
  'PLTE empty': [INDEXED_HEADER, chunk('PLTE'), INDICES, IEND],
  'PLTE empty, suggested': [HEADER, chunk('PLTE'), DATA, IEND],
  'PLTE missing': [INDEXED_HEADER, INDICES, IEND],
  'PLTE twice': [INDEXED_HEADER, chunk('PLTE', COLOURS), chunk('PLTE', COLOURS), INDICES, IEND],
  'PLTE twice, suggested': [HEADER, PALETTE, PALETTE, DATA, IEND],
  'PLTE after the pixels': [INDEXED_HEADER, INDICES, chunk('PLTE', COLOURS), IEND],
  'PLTE with a wrong CRC': [INDEXED_HEADER, badCrc(chunk('PLTE', COLOURS)), INDICES, IEND],
  'PLTE with a wrong CRC, suggested': [HEADER, badCrc(PALETTE), DATA, IEND],
  'an index past the palette': [INDEXED_HEADER, chunk('PLTE', COLOURS.slice(0, 6)), INDICES, IEND],
  'tRNS of 5 alphas for 4 entries': [
    INDEXED_HEADER,
    chunk('PLTE', COLOURS),
    chunk('tRNS', [1, 50, 100, 150, 200]),
    INDICES,
    IEND,
  ],
  'PLTE in grey': [GREY_HEADER, PALETTE, INDICES, IEND],
  'IHDR with a wrong CRC': [badCrc(HEADER), DATA, IEND],
  'IHDR twice': [HEADER, HEADER, DATA, IEND],
  'IHDR after the pixels': [HEADER, DATA, HEADER, IEND],
  'IHDR after another chunk': [gama(45455), HEADER, DATA, IEND],
  'IHDR of 12 bytes': [chunk('IHDR', HEADER.subarray(8, 20)), DATA, IEND],
  'IHDR of 14 bytes': [chunk('IHDR', joined(HEADER.subarray(8, 21), [0])), DATA, IEND],
  'IDAT with a wrong CRC': [HEADER, badCrc(DATA), IEND],
  'IDAT missing': [HEADER, IEND],
  'IDAT empty': [HEADER, chunk('IDAT'), IEND],
  'IDAT apart': [
    HEADER,
    chunk('IDAT', ZLIB.subarray(0, 60)),
    IGNORED.tIME,
    chunk('IDAT', ZLIB.subarray(60)),
    IEND,
  ],
  'IDAT apart, the second empty': [HEADER, DATA, IGNORED.tIME, chunk('IDAT'), IEND],
  'IDAT apart, the second too much': [HEADER, DATA, IGNORED.tIME, DATA, IEND],
  'IDAT in pieces': [HEADER, ...Array.from(ZLIB, (byte) => chunk('IDAT', [byte])), IEND],
  'IDAT without its CRC': [HEADER, DATA.subarray(0, -4)],
  'IDAT without CRC and Adler-32': [HEADER, DATA.subarray(0, -8)],
  'IDAT cut in half': [HEADER, DATA.subarray(0, DATA.length >> 1)],
  'IEND with a wrong CRC': [HEADER, DATA, badCrc(IEND)],
  'IEND missing': [HEADER, DATA],
  'IEND with data': [HEADER, DATA, chunk('IEND', [1])],
  'IEND cut': [HEADER, DATA, IEND.subarray(0, 6)],
  'bytes after IEND': [HEADER, DATA, IEND, latin1('bytes after the end')],
  'bytes for IEND': [HEADER, DATA, latin1('bytes after the pixels')],
  'zeros for IEND': [HEADER, DATA, new Uint8Array(40)],
  'a critical chunk before the pixels': [HEADER, chunk('ABCD'), DATA, IEND],
  'a critical chunk after the pixels': [HEADER, DATA, chunk('ABCD'), IEND],
  'a type of no letters before the pixels': [HEADER, chunk('ab1d'), DATA, IEND],
  'a type of no letters after the pixels': [HEADER, DATA, chunk('ab1d'), IEND],
  'a chunk past the end': [HEADER, DATA, joined(uint32(1000), latin1('tEXtabc'))],
  'a chunk of 2³¹ bytes': [HEADER, DATA, joined(uint32(2 ** 31), latin1('tEXtabc'))],
  CgBI: [chunk('CgBI', [0x50, 0, 0x20, 2]), HEADER, DATA, IEND],
  'filter 5': stream(deflateSync(LINES.with(56, 5))),
  'a wrong Adler-32': stream(ZLIB.with(-1, ZLIB[ZLIB.length - 1] ^ 1)),
  'no Adler-32': stream(ZLIB.subarray(0, -4)),
  'half an Adler-32': stream(ZLIB.subarray(0, -2)),
  'bytes before the Adler-32': stream(ZLIB.subarray(0, -4), Uint8Array.of(7, 7), ZLIB.subarray(-4)),
  'bytes after the Adler-32': stream(ZLIB, Uint8Array.of(1, 2, 3, 4, 5, 6)),
  'a byte more': stream(deflateSync(joined(LINES, [0]))),
  '100 rows more': stream(deflateSync(joined(LINES, new Uint8Array(2800)))),
  'a byte less': stream(deflateSync(LINES.subarray(0, -1))),
  'a row less': stream(deflateSync(LINES.subarray(0, -28))),
  'half the rows': stream(deflateSync(LINES.subarray(0, 100))),
  'no pixels': stream(deflateSync(new Uint8Array(0))),
  'a damaged block after the pixels': stream(OPEN, Uint8Array.of(7, 7, 7, 7)),
  'no last block': stream(OPEN),
  'an empty block after the pixels': stream(OPEN, Uint8Array.of(3, 0), ZLIB.subarray(-4)),
  'a wrong NLEN': stream(
    Uint8Array.of(0x78, 1, 1, LINES.length, 0, LINES.length, 0xff),
    LINES,
    ZLIB.subarray(-4),
  ),
  'zlib method 7': stream(Uint8Array.of(0x77, 0x85), ZLIB.subarray(2)),
  'wrong check bits of zlib': stream(ZLIB.with(1, ZLIB[1] ^ 1)),
  'a zlib window of 256 bytes': stream(Uint8Array.of(0x08, 0x1d), ZLIB.subarray(2)),
};

/** Makes the files of a broken structure. */
export const withBrokenStructure = (): Generated[] =>
  Object.entries(BROKEN).map(([group, chunks]) => ({ group, name: group, png: file(...chunks) }));
