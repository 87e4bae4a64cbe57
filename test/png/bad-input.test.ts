import { deflateRawSync, deflateSync, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type ErrorCode, TaesdError } from '../../src/errors.ts';
import { decodePng } from '../../src/png/index.ts';
import { joined, latin1 } from '../bytes.ts';
import {
  buildPng,
  chunk,
  file,
  IEND,
  idat,
  ihdr,
  randomPicture,
  rgbaOf,
  SIGNATURE,
  scanlinesOf,
  slowCrc32,
  uint32,
} from './build-png.ts';

/** A sound 3×5 RGB picture, 15 + 1 bytes a row, and its parts. */
const PICTURE = randomPicture(2, 8, 3, 5);
const GOOD = buildPng(PICTURE);
const LINES = scanlinesOf(PICTURE);
const HEADER = ihdr(PICTURE);
const DATA = idat(LINES);
const ZLIB = deflateSync(LINES);

/** A 4×1 palette picture of depth 2 with two entries. */
const INDEXED = { width: 4, height: 1, depth: 2, colourType: 3 };
const INDEXED_HEADER = ihdr(INDEXED);
const TWO_COLOURS = chunk('PLTE', [1, 2, 3, 4, 5, 6]);
const INDICES_0_TO_1 = idat([0, 0b00010001]);

const withIdat = (compressed: Uint8Array): Uint8Array =>
  file(HEADER, chunk('IDAT', compressed), IEND);
const withHeader = (changes: Partial<typeof PICTURE>): Uint8Array =>
  file(ihdr({ ...PICTURE, ...changes }), DATA, IEND);

/** A copy whose byte at `at` (negative: from the end) is changed. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
const crcOf = (part: Uint8Array): string => hex(slowCrc32(part.subarray(4, -4)));

/** A zlib stream with a preset dictionary: flag 32, the dictionary's Adler-32, the data. */
function withDictionary(): Uint8Array {
  const flags = 32 + ((31 - ((0x78 * 256 + 32) % 31)) % 31);
  return joined([0x78, flags, 0, 0, 0, 1], deflateRawSync(LINES), ZLIB.subarray(-4));
}

const JPEG = joined([0xff, 0xd8, 0xff, 0xe0, 0, 16], latin1('JFIF\0\x01\x01'));
const WEBP = joined(latin1('RIFF'), [36, 0, 0, 0], latin1('WEBPVP8 '), new Uint8Array(20));
const AVIF = joined([0, 0, 0, 28], latin1('ftypavif'), new Uint8Array(20));
const BMP = joined(latin1('BM'), [70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0], new Uint8Array(56));
const READS = 'decodePicture of taesd-wasm/picture reads it';
const magick = (name: string) => `"magick ${name} out.png" of ImageMagick makes a PNG of it`;

const CUT = '(the file is cut off)';
const DAMAGED = '(damaged file?)';
const CUT_IN_HALF =
  /^decodePng: "IDAT at byte 33" expected 50 bytes after inflating, as IHDR requires, got \d+ \(cut off\?\)$/;
const SIZE = '50 bytes after inflating, as IHDR requires';

/** A number of so many bits, or a Huffman code as text. */
type Bits = readonly [value: number, count: number] | string;

/** Raw DEFLATE, the first bit of a byte lowest. */
function bits(...parts: readonly Bits[]): Uint8Array {
  const all = parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : [...part[0].toString(2).padStart(part[1], '0')].reverse().join(''),
    )
    .join('');
  return Uint8Array.from(all.match(/.{1,8}/g) ?? [], (byte) =>
    Number.parseInt([...byte.padEnd(8, '0')].reverse().join(''), 2),
  );
}

const zlibOf = (...parts: readonly Bits[]): Uint8Array =>
  joined([0x78, 0x9c], bits(...parts), new Uint8Array(60));

/** The head of a last block with codes of its own: literals − 257, distances − 1, lengths − 4. */
const dynamic = (literals: number, distances: number, given: number) =>
  [
    [1, 1],
    [2, 2],
    [literals, 5],
    [distances, 5],
    [given, 4],
  ] as [number, number][];
/** Lengths of the code-length code in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15. */
const given = (...lengths: number[]) => lengths.map((length): [number, number] => [length, 3]);

const SOUND = 'a sound zlib stream';
const ADLER = `Adler-32 0x${Buffer.from(ZLIB.subarray(-4)).toString('hex')} at its end`;
const after = (bytes: number) =>
  joined(ZLIB.subarray(0, -4), Array(bytes).fill(7), ZLIB.subarray(-4));

/** Streams that zlib refuses; the faults are in its words. */
const STREAMS: readonly (readonly [string, Uint8Array, ErrorCode, rule: string, got: string])[] = [
  [
    'a wrong complement of a stored length (NLEN)',
    joined([0x78, 1, 1, 50, 0, 50, 0xff], LINES, ZLIB.subarray(-4)),
    'INTEGRITY',
    SOUND,
    `invalid stored block lengths ${DAMAGED}`,
  ],
  [
    'an over-subscribed code',
    zlibOf(...dynamic(0, 0, 14), ...given(1, 1, 1)),
    'INTEGRITY',
    SOUND,
    `invalid code lengths set ${DAMAGED}`,
  ],
  [
    'an incomplete code',
    zlibOf(...dynamic(0, 0, 14), ...given(2, 2)),
    'INTEGRITY',
    SOUND,
    `invalid code lengths set ${DAMAGED}`,
  ],
  [
    'an incomplete code of literals',
    // 18 has the code 0, 2 the code 1: 138 + 118 zeros, one length of 2, then one for distances.
    zlibOf(
      ...dynamic(0, 0, 12),
      ...given(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
      '0',
      [127, 7],
      '0',
      [107, 7],
      '1',
      '1',
    ),
    'INTEGRITY',
    SOUND,
    `invalid literal/lengths set ${DAMAGED}`,
  ],
  [
    'a code without an end of block',
    zlibOf(
      ...dynamic(0, 0, 14),
      ...given(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
      '1',
      [127, 7],
      '1',
      [109, 7],
    ),
    'INTEGRITY',
    SOUND,
    `invalid code -- missing end-of-block ${DAMAGED}`,
  ],
  [
    '287 literals and lengths',
    zlibOf(...dynamic(30, 0, 14)),
    'INTEGRITY',
    SOUND,
    `too many length or distance symbols ${DAMAGED}`,
  ],
  [
    'a distance before the beginning',
    // A fixed block: length 3 (symbol 257) from distance 1.
    zlibOf([1, 1], [1, 2], '0000001', '00000'),
    'INTEGRITY',
    SOUND,
    `invalid distance too far back ${DAMAGED}`,
  ],
  [
    'the length symbol 286 of the fixed code',
    zlibOf([1, 1], [1, 2], '11000110'),
    'INTEGRITY',
    SOUND,
    `invalid literal/length code ${DAMAGED}`,
  ],
  ...[1, 2, 4].map(
    (bytes) =>
      [
        `${bytes} bytes before the Adler-32`,
        after(bytes),
        'INTEGRITY',
        ADLER,
        `0x${Buffer.from(after(bytes).subarray(ZLIB.length - 4, ZLIB.length)).toString('hex')} (damaged or cut off?)`,
      ] as const,
  ),
  ...[1, 4].map(
    (missing) =>
      [
        `${missing} of the Adler-32's bytes missing`,
        ZLIB.subarray(0, -missing),
        'TRUNCATED',
        'a zlib stream to its Adler-32',
        `${ZLIB.length - missing} bytes without it (cut off?)`,
      ] as const,
  ),
  [
    'a damaged block after the last pixel',
    joined([0x78, 0x9c], deflateRawSync(LINES, { finishFlush: 2 }), [7, 7, 7, 7]),
    'INTEGRITY',
    SOUND,
    `invalid block type ${DAMAGED}`,
  ],
];

type BadCase = readonly [name: string, png: Uint8Array, ErrorCode, message: string];

const CASES: readonly BadCase[] = [
  ['empty', new Uint8Array(0), 'FORMAT', '"bytes" expected a PNG file, got 0 bytes (empty file?)'],
  [
    'no picture',
    latin1('hello'),
    'FORMAT',
    '"bytes" expected a PNG file, got bytes 68 65 6c 6c 6f',
  ],
  [
    'an HTML page',
    latin1('<!DOCTYPE html>'),
    'FORMAT',
    '"bytes" expected a PNG file, got bytes 3c 21 44 4f 43 54 59 50 (an HTML or XML page?)',
  ],
  [
    'line ends converted',
    joined(latin1('\x89PNG\n\x1a\n'), GOOD.subarray(8)),
    'FORMAT',
    '"bytes" expected a PNG file, got bytes 89 50 4e 47 0a 1a 0a 00 (line ends were converted: transfer it as binary)',
  ],
  [
    'seven bits',
    joined(latin1('\x09PNG\r\n\x1a\n'), GOOD.subarray(8)),
    'FORMAT',
    '"bytes" expected a PNG file, got bytes 09 50 4e 47 0d 0a 1a 0a (the eighth bits were lost: transfer it as binary)',
  ],
  [
    'read as text',
    Uint8Array.from(Buffer.from(Buffer.from(GOOD).toString('utf8'))),
    'FORMAT',
    '"bytes" expected a PNG file, got bytes ef bf bd 50 4e 47 0d 0a (it was read as text: read it as bytes)',
  ],
  [
    'three right bytes',
    SIGNATURE.subarray(0, 3),
    'TRUNCATED',
    `"signature at byte 0" expected 8 bytes, got 3 ${CUT}`,
  ],
  ...(
    [
      ['a JPEG', JPEG, READS],
      ['a WebP', WEBP, READS],
      ['a GIF', latin1('GIF89a\x01\0\x01\0\0\0\0;'), magick('in.gif[0]')],
      ['a GIF', latin1('GIF87a\x01\0\x01\0\0\0\0;'), magick('in.gif[0]')],
      ['an AVIF', AVIF, '"avifdec in.avif out.png" of libavif makes a PNG of it'],
      ['a BMP', BMP, magick('in.bmp')],
      ['a TIFF', latin1('II*\0\x08\0\0\0'), magick('in.tiff[0]')],
      ['a TIFF', latin1('MM\0*\0\0\0\x08'), magick('in.tiff[0]')],
      [
        'a HEIC',
        joined([0, 0, 0, 28], latin1('ftypheic')),
        '"heif-dec in.heic out.png" of libheif makes a PNG of it',
      ],
      [
        'a JPEG XL',
        Uint8Array.of(0xff, 0x0a, 1, 2),
        '"djxl in.jxl out.png" of libjxl makes a PNG of it',
      ],
      ['an MNG', latin1('\x8aMNG\r\n\x1a\n'), magick('in.mng[0]')],
    ] as const
  ).map(
    ([type, bytes, hint]): BadCase => [
      type,
      bytes,
      'UNSUPPORTED',
      `"bytes" expected a PNG file, got ${type} file (${hint})`,
    ],
  ),
  ['IHDR missing', file(DATA, IEND), 'FORMAT', '"IDAT at byte 8" expected IHDR first, got IDAT'],
  [
    'IHDR late',
    file(chunk('gAMA', [0, 0, 0, 1]), HEADER, DATA, IEND),
    'FORMAT',
    '"gAMA at byte 8" expected IHDR first, got gAMA',
  ],
  [
    'IHDR twice',
    file(HEADER, HEADER, DATA, IEND),
    'FORMAT',
    '"IHDR at byte 33" expected one IHDR, got a second',
  ],
  [
    'IHDR of 12 bytes',
    file(chunk('IHDR', HEADER.subarray(8, 20)), DATA, IEND),
    'FORMAT',
    '"IHDR at byte 8" expected 13 bytes, got 12',
  ],
  [
    'IHDR of 2³¹ − 1 bytes',
    file(joined([0x7f, 0xff, 0xff, 0xff], latin1('IHDR'))),
    'FORMAT',
    '"IHDR at byte 8" expected 13 bytes, got 2147483647',
  ],
  ...(
    [
      ['width', 0],
      ['width', 2 ** 31],
      ['height', 0],
      ['height', 2 ** 32 - 1],
    ] as const
  ).map(
    ([side, size]): BadCase => [
      `${side} ${size}`,
      withHeader({ [side]: size }),
      'FORMAT',
      `"IHDR at byte 8" expected a ${side} from 1 to 2147483647, got ${size}`,
    ],
  ),
  [
    '65535×65535 in 60 bytes',
    file(ihdr({ ...PICTURE, width: 65535, height: 65535 }), chunk('IDAT', [0x78, 1, 0])),
    'LIMIT',
    '"IHDR at byte 8" expected at most 67108864 pixels, got 65535×65535 = 4294836225 (option maxPixels)',
  ],
  [
    '2²⁶ pixels of depth 16 in a few bytes',
    file(ihdr({ width: 2 ** 26, height: 1, depth: 16, colourType: 6 }), DATA, IEND),
    'TRUNCATED',
    `"IDAT at byte 33" expected 536870913 bytes after inflating, as IHDR requires, got ${ZLIB.length} compressed bytes, too few for that (cut off?)`,
  ],
  ...(
    [
      [0, 3, '1, 2, 4, 8, 16'],
      [2, 4, '8, 16'],
      [3, 16, '1, 2, 4, 8'],
      [4, 1, '8, 16'],
      [6, 0, '8, 16'],
    ] as const
  ).map(
    ([colourType, depth, legal]): BadCase => [
      `depth ${depth} of colour type ${colourType}`,
      withHeader({ colourType, depth }),
      'FORMAT',
      `"IHDR at byte 8" expected a bit depth of ${legal} for colour type ${colourType}, got ${depth}`,
    ],
  ),
  [
    'colour type 5',
    withHeader({ colourType: 5 }),
    'FORMAT',
    '"IHDR at byte 8" expected a colour type of 0, 2, 3, 4 or 6, got 5',
  ],
  [
    'compression 1',
    withHeader({ compression: 1 }),
    'UNSUPPORTED',
    '"IHDR at byte 8" expected compression method 0, got 1',
  ],
  [
    'filter 64 (MNG)',
    withHeader({ filter: 64 }),
    'UNSUPPORTED',
    '"IHDR at byte 8" expected filter method 0, got 64',
  ],
  [
    'interlace 2',
    withHeader({ interlace: 2 }),
    'UNSUPPORTED',
    '"IHDR at byte 8" expected interlace method 0 or 1, got 2',
  ],
  ...(
    [
      ['IHDR', 8, [flipped(HEADER, -1), DATA, IEND]],
      ['IDAT', 33, [HEADER, flipped(DATA, -1), IEND]],
    ] as const
  ).map(([type, at, chunks]): BadCase => {
    const part = chunks.find((one) => String.fromCharCode(...one.subarray(4, 8)) === type);
    const stored = hex(Number.parseInt(crcOf(part as Uint8Array), 16) ^ 1);
    return [
      `CRC of ${type}`,
      file(...chunks),
      'INTEGRITY',
      `"${type} at byte ${at}" expected CRC-32 ${crcOf(part as Uint8Array)}, got ${stored} ${DAMAGED}`,
    ];
  }),
  [
    'CRC of PLTE',
    file(INDEXED_HEADER, flipped(TWO_COLOURS, -4), INDICES_0_TO_1, IEND),
    'INTEGRITY',
    `"PLTE at byte 33" expected CRC-32 ${crcOf(TWO_COLOURS)}, got ${hex((Number.parseInt(crcOf(TWO_COLOURS), 16) ^ (2 ** 24)) >>> 0)} ${DAMAGED}`,
  ],
  [
    'CRC of an unknown critical chunk',
    file(HEADER, flipped(chunk('ABCD'), -1), DATA, IEND),
    'INTEGRITY',
    `"ABCD at byte 33" expected CRC-32 ${crcOf(chunk('ABCD'))}, got ${hex(Number.parseInt(crcOf(chunk('ABCD')), 16) ^ 1)} ${DAMAGED}`,
  ],
  [
    'IDAT past the end',
    file(HEADER, joined(uint32(1000), latin1('IDAT'), [1, 2, 3])),
    'TRUNCATED',
    `"IDAT at byte 33" expected 1000 bytes of data and 4 of checksum, got 3 bytes up to the end of the file ${CUT}`,
  ],
  [
    'a length of 2³¹',
    file(HEADER, joined(uint32(2 ** 31), latin1('IDAT'), [1, 2, 3])),
    'FORMAT',
    '"IDAT at byte 33" expected a length below 2147483648, got 2147483648',
  ],
  [
    'a type that is no letters',
    file(HEADER, chunk('ID\0T'), DATA, IEND),
    'FORMAT',
    `"chunk at byte 33" expected a type of four letters, got bytes 49 44 00 54 ${DAMAGED}`,
  ],
  [
    'a byte too few',
    withIdat(deflateSync(LINES.subarray(1))),
    'TRUNCATED',
    `"IDAT at byte 33" expected ${SIZE}, got 49 (cut off?)`,
  ],
  ['a zlib stream cut in half', withIdat(ZLIB.subarray(0, ZLIB.length >> 1)), 'TRUNCATED', ''],
  [
    'a stream of nothing',
    withIdat(deflateSync(new Uint8Array(0))),
    'TRUNCATED',
    `"IDAT at byte 33" expected ${SIZE}, got 0 (cut off?)`,
  ],
  [
    'IDAT without data',
    withIdat(new Uint8Array(0)),
    'TRUNCATED',
    '"IDAT at byte 33" expected a zlib header of 2 bytes, got 0 bytes (cut off?)',
  ],
  [
    'zlib method 7',
    withIdat(joined([0x77, 0x85], ZLIB.subarray(2))),
    'INTEGRITY',
    `"IDAT at byte 33" expected a zlib header, got bytes 77 85 ${DAMAGED}`,
  ],
  [
    'zlib check bits',
    withIdat(flipped(ZLIB, 1)),
    'INTEGRITY',
    `"IDAT at byte 33" expected a zlib header, got bytes 78 9d ${DAMAGED}`,
  ],
  [
    'a preset dictionary',
    withIdat(withDictionary()),
    'INTEGRITY',
    '"IDAT at byte 33" expected no preset dictionary, got a zlib stream that needs one',
  ],
  [
    'block type 3',
    withIdat(Uint8Array.of(0x78, 0x9c, 7, 0, 0, 0)),
    'INTEGRITY',
    `"IDAT at byte 33" expected a sound zlib stream, got invalid block type ${DAMAGED}`,
  ],
  [
    'Adler-32',
    withIdat(flipped(ZLIB, -1)),
    'INTEGRITY',
    `"IDAT at byte 33" expected Adler-32 0x${Buffer.from(ZLIB.subarray(-4)).toString('hex')} at its end, got 0x${Buffer.from(flipped(ZLIB, -1).subarray(-4)).toString('hex')} (damaged or cut off?)`,
  ],
  [
    'an ancillary chunk past the end, before the pixels',
    file(HEADER, joined(uint32(2 ** 31 - 1), latin1('tEXt'))),
    'TRUNCATED',
    `"tEXt at byte 33" expected 2147483647 bytes of data and 4 of checksum, got 0 bytes up to the end of the file ${CUT}`,
  ],
  [
    'the file ends before the pixels',
    file(HEADER),
    'TRUNCATED',
    `"chunk at byte 33" expected chunks up to IEND, got 0 bytes up to the end of the file ${CUT}`,
  ],
  [
    '2²⁰ + 1 rows',
    file(ihdr({ ...PICTURE, width: 1, height: 2 ** 20 + 1 }), DATA, IEND),
    'LIMIT',
    '"IHDR at byte 8" expected at most 1048576 rows, got 1048577 (option maxPixels)',
  ],
  ...STREAMS.map(
    ([name, stream, code, rule, got]): BadCase => [
      name,
      withIdat(stream),
      code,
      `"IDAT at byte 33" expected ${rule}, got ${got}`,
    ],
  ),
  [
    'PLTE twice in RGB, where it is a suggestion',
    file(HEADER, TWO_COLOURS, TWO_COLOURS, DATA, IEND),
    'FORMAT',
    '"PLTE at byte 51" expected one PLTE, got a second',
  ],
  [
    'PLTE of 257 entries in a palette picture',
    file(INDEXED_HEADER, chunk('PLTE', new Uint8Array(771)), INDICES_0_TO_1, IEND),
    'FORMAT',
    '"PLTE at byte 33" expected 1 to 4 entries, got 257',
  ],
  [
    'filter 5',
    withIdat(deflateSync(Uint8Array.from(LINES, (byte, i) => (i === 20 ? 5 : byte)))),
    'FORMAT',
    '"filter of row 2" expected 0 to 4, got 5',
  ],
  [
    'filter 255 in an Adam7 pass',
    // 3×5 pixels in Adam7: pass 1 has one row of one pixel, 4 bytes; pass 3 another; 4 follows.
    file(
      ihdr({ ...PICTURE, interlace: 1 }),
      idat(scanlinesOf({ ...PICTURE, interlace: 1 }).map((byte, i) => (i === 4 ? 255 : byte))),
      IEND,
    ),
    'FORMAT',
    '"filter of row 0 of Adam7 pass 3" expected 0 to 4, got 255',
  ],
  [
    'PLTE missing',
    file(INDEXED_HEADER, INDICES_0_TO_1, IEND),
    'FORMAT',
    '"IDAT at byte 33" expected PLTE before it, since colours are indices, got none',
  ],
  [
    'PLTE twice',
    file(INDEXED_HEADER, TWO_COLOURS, TWO_COLOURS, INDICES_0_TO_1, IEND),
    'FORMAT',
    '"PLTE at byte 51" expected one PLTE, got a second',
  ],
  [
    'PLTE of 4 bytes',
    file(INDEXED_HEADER, chunk('PLTE', [1, 2, 3, 4]), INDICES_0_TO_1, IEND),
    'FORMAT',
    '"PLTE at byte 33" expected a length divisible by 3, got 4',
  ],
  [
    'PLTE of 0 entries',
    file(INDEXED_HEADER, chunk('PLTE'), INDICES_0_TO_1, IEND),
    'FORMAT',
    '"PLTE at byte 33" expected 1 to 4 entries, got 0',
  ],
  [
    'PLTE of 257 entries in RGB',
    file(HEADER, chunk('PLTE', new Uint8Array(771)), DATA, IEND),
    'FORMAT',
    '"PLTE at byte 33" expected 1 to 256 entries, got 257',
  ],
  [
    'an unknown critical chunk',
    file(HEADER, chunk('ABCD'), DATA, IEND),
    'UNSUPPORTED',
    '"ABCD at byte 33" expected IHDR, PLTE, IDAT or IEND, got ABCD (a decoder must not ignore this chunk)',
  ],
  [
    "Apple's CgBI",
    file(chunk('CgBI', [0x50, 0, 0x20, 2]), HEADER, DATA, IEND),
    'UNSUPPORTED',
    '"CgBI at byte 8" expected IHDR first, got CgBI (optimised for iOS by Xcode; "pngcrush -revert-iphone-optimizations" restores it)',
  ],
  [
    'IDAT, tEXt, IDAT',
    file(
      HEADER,
      chunk('IDAT', ZLIB.subarray(0, 9)),
      chunk('tEXt', latin1('a\0b')),
      chunk('IDAT', ZLIB.subarray(9)),
      IEND,
    ),
    'FORMAT',
    '"IDAT at byte 69" expected a place right after the last IDAT, got a chunk between them',
  ],
  ['no IDAT', file(HEADER, IEND), 'FORMAT', '"IEND at byte 33" expected IDAT before it, got none'],
];

/** A TaesdError with this code and message; it may have a remedy too. */
const taesdError = (code: string, message: string) =>
  expect.toSatisfy(
    (error) => error instanceof TaesdError && error.code === code && error.message === message,
    `${code} ${message}`,
  );

for (const [name, png, code, message] of CASES) {
  test(`decodePng: ${name} → ${code}, and a good file still decodes`, () => {
    const before = png.slice();
    expect(() => decodePng(png)).toThrow(expect.objectContaining({ code }));
    if (message === '') expect(() => decodePng(png)).toThrow(CUT_IN_HALF);
    else expect(() => decodePng(png)).toThrow(taesdError(code, `decodePng: ${message}`));
    expect(png).toEqual(before);
    expect(decodePng(GOOD).data).toEqual(rgbaOf(PICTURE));
  });
}

test('decodePng: a wrong CRC in tRNS, tEXt, gAMA → the chunk is skipped', () => {
  const png = file(
    HEADER,
    flipped(chunk('gAMA', [0, 0, 0, 1]), -1),
    flipped(chunk('tEXt', latin1('a\0b')), -1),
    flipped(chunk('tRNS', [0, 1, 0, 2, 0, 3]), -1),
    DATA,
    IEND,
  );
  const { data, text } = decodePng(png);
  expect(data).toEqual(rgbaOf(PICTURE));
  expect(text.size).toBe(0);
});

test('decodePng: padding bits that would be an index past the palette → ignored', () => {
  const header = ihdr({ ...INDEXED, width: 3 });
  const png = file(header, TWO_COLOURS, idat([0, 0b00010011]), IEND);
  expect([...decodePng(png).data]).toEqual([1, 2, 3, 255, 4, 5, 6, 255, 1, 2, 3, 255]);
});

test('decodePng: the zlib stream cut at every byte inside a sound IDAT → TRUNCATED or INTEGRITY', () => {
  for (let cut = 0; cut < ZLIB.length; cut++) {
    const call = () => decodePng(withIdat(ZLIB.subarray(0, cut)));
    expect(call, `cut at ${cut}`).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(TRUNCATED|INTEGRITY)$/) }),
    );
  }
  expect(inflateSync(ZLIB)).toHaveLength(LINES.length);
});

for (const [name, bytes, got] of [
  ['a string', 'x.png', '"x.png"'],
  ['undefined', undefined, 'undefined'],
  ['a list', [137, 80], '{ 0, 1 }'],
] as const) {
  test(`decodePng: ${name} for bytes → ARG`, () => {
    expect(() => decodePng(bytes as unknown as Uint8Array)).toThrow(
      new TaesdError('ARG', `decodePng: "bytes" expected a Uint8Array or ArrayBuffer, got ${got}`),
    );
  });
}

test('decodePng: a detached buffer → ARG', () => {
  const bytes = GOOD.slice();
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  expect(() => decodePng(bytes)).toThrow(
    new TaesdError(
      'ARG',
      'decodePng: "bytes" expected live data, got a detached buffer (transferred to a worker?)',
    ),
  );
});

for (const [maxPixels, got] of [
  [0, '0'],
  [-8, '-8'],
  [1.5, '1.5'],
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  ['9', '"9"'],
  [2 ** 29 + 1, '536870913'],
] as const) {
  test(`decodePng: maxPixels ${got} → ARG`, () => {
    expect(() => decodePng(GOOD, { maxPixels: maxPixels as number })).toThrow(
      new TaesdError(
        'ARG',
        `decodePng: "maxPixels" expected a whole number from 1 to 536870912, got ${got}`,
      ),
    );
  });
}

test('decodePng: one pixel above maxPixels → LIMIT', () => {
  expect(() => decodePng(GOOD, { maxPixels: 14 })).toThrow(
    taesdError(
      'LIMIT',
      'decodePng: "IHDR at byte 8" expected at most 14 pixels, got 3×5 = 15 (option maxPixels)',
    ),
  );
});

test('decodePng: 2²⁰ + 1 rows, maxPixels given → no limit of rows', () => {
  const header = ihdr({ width: 1, height: 2 ** 20 + 1, depth: 8, colourType: 0 });
  const png = file(header, idat(new Uint8Array(2 * (2 ** 20 + 1)).fill(1)), IEND);
  const { height, data } = decodePng(png, { maxPixels: 2 ** 21 });
  expect([height, data[0], data.at(-4)]).toEqual([2 ** 20 + 1, 1, 1]);
});

for (const [options, message] of [
  [{ colour: 'p3' }, '"colour" expected "srgb" or "raw", got "p3"'],
  [{ color: 'raw' }, 'unknown option "color" (known: maxPixels, colour)'],
] as const) {
  test(`decodePng: options ${JSON.stringify(options)} → ARG`, () => {
    expect(() => decodePng(GOOD, options as object)).toThrow(
      new TaesdError('ARG', `decodePng: ${message}`),
    );
  });
}

test('decodePng: options null → ARG', () => {
  expect(() => decodePng(GOOD, null as unknown as object)).toThrow(
    new TaesdError(
      'ARG',
      'decodePng: "options" expected an object { maxPixels, colour }, got null',
    ),
  );
});
