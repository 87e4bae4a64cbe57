import { deflateSync } from 'node:zlib';
import { joined, latin1 } from '../bytes.ts';
import {
  chunk,
  file,
  IEND,
  ihdr,
  KINDS,
  type Picture,
  preamble,
  randomPicture,
  rgbaOf,
  scanlinesOf,
  uint32,
} from './build-png.ts';
import { exif, type Generated } from './generated.ts';

/*
 * Animated PNG files: a still picture of 9×7 that is no frame, and a first frame. Well formed, and
 * broken in every place a reader may look at.
 * Source: https://www.w3.org/TR/png-3/#apng-frame-based-animation
 */

const WIDTH = 9;
const HEIGHT = 7;

interface Control {
  readonly width?: number;
  readonly height?: number;
  readonly x?: number;
  readonly y?: number;
  readonly dispose?: number;
  readonly blend?: number;
}

/** A place that does not cover the picture. */
const PART = { width: 4, height: 3, x: 2, y: 1 } as const;

export const acTL = (count = 1): Uint8Array => chunk('acTL', joined(uint32(count), uint32(0)));

export const fcTL = (sequence: number, control: Control = {}): Uint8Array =>
  chunk('fcTL', controlData(sequence, control));

function controlData(
  sequence: number,
  { width = WIDTH, height = HEIGHT, x = 0, y = 0, dispose = 0, blend = 0 }: Control,
): Uint8Array {
  return joined(...[sequence, width, height, x, y].map(uint32), [0, 1, 0, 10, dispose, blend]);
}

export const fdAT = (sequence: number, data: Uint8Array | readonly number[]): Uint8Array =>
  chunk('fdAT', joined(uint32(sequence), data));

const badCrc = (one: Uint8Array): Uint8Array => one.with(-1, one[one.length - 1] ^ 1);
const zlibOf = (picture: Picture): Uint8Array => deflateSync(scanlinesOf(picture));
const text = chunk('tEXt', latin1('Title\0text'));

const STILL = randomPicture(2, 8, WIDTH, HEIGHT);
/** The still picture of all files but those of every kind and of RGBA. */
export const STILL_PICTURE = { width: WIDTH, height: HEIGHT, data: rgbaOf(STILL) };
const HEADER = ihdr(STILL);
const DATA = chunk('IDAT', zlibOf(STILL));
const WHOLE = randomPicture(2, 8, WIDTH, HEIGHT, { transparent: true });
const ZLIB = zlibOf(WHOLE);
const LINES = scanlinesOf(WHOLE);
const SMALL = randomPicture(2, 8, PART.width, PART.height);
const SMALL_ZLIB = zlibOf(SMALL);
const FRAME = fdAT(1, ZLIB);

/** The still picture, then chunks after it. */
const after = (...chunks: Uint8Array[]): Uint8Array[] => [HEADER, acTL(), DATA, ...chunks, IEND];
const stream = (...parts: (Uint8Array | readonly number[])[]): Uint8Array[] =>
  after(fcTL(0), fdAT(1, joined(...parts)));
const controlled = (control: Control): Uint8Array[] => after(fcTL(0, control), fdAT(1, SMALL_ZLIB));

/** RGBA with translucent pixels. */
const CLEAR_STILL = randomPicture(6, 8, WIDTH, HEIGHT);
const CLEAR = randomPicture(6, 8, PART.width, PART.height);
const clear = (control: Control): Uint8Array[] => [
  ihdr(CLEAR_STILL),
  acTL(),
  chunk('IDAT', zlibOf(CLEAR_STILL)),
  fcTL(0, { ...PART, ...control }),
  fdAT(1, zlibOf(CLEAR)),
  IEND,
];

/** The files, by the name of their group. */
const FILES: Readonly<Record<string, readonly Uint8Array[]>> = {
  'the frame covers the picture': after(fcTL(0), FRAME),
  'the frame is a part': controlled(PART),
  'of 2 frames': [HEADER, acTL(2), DATA, fcTL(0), FRAME, fcTL(2, PART), fdAT(3, SMALL_ZLIB), IEND],
  'of 2 frames, the second broken': [
    HEADER,
    acTL(2),
    DATA,
    fcTL(0),
    FRAME,
    fcTL(2, PART),
    fdAT(9, [1]),
    IEND,
  ],
  'the first frame is the still picture': [
    HEADER,
    acTL(2),
    fcTL(0),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'the first frame is the still picture, of another size': [
    HEADER,
    acTL(2),
    fcTL(0, PART),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'dispose 1': controlled({ ...PART, dispose: 1 }),
  'dispose 2': controlled({ ...PART, dispose: 2 }),
  'dispose 3': controlled({ ...PART, dispose: 3 }),
  'blend 1': controlled({ ...PART, blend: 1 }),
  'blend 2': controlled({ ...PART, blend: 2 }),
  'RGBA, blend 0': clear({}),
  'RGBA, blend 1': clear({ blend: 1 }),
  'RGBA, blend 1, dispose 2': clear({ blend: 1, dispose: 2 }),
  'acTL of 0 frames': [HEADER, acTL(0), DATA, fcTL(0), FRAME, IEND],
  'acTL of 5 frames': [HEADER, acTL(5), DATA, fcTL(0), FRAME, IEND],
  'acTL of 2³¹ frames': [HEADER, acTL(2 ** 31), DATA, fcTL(0), FRAME, IEND],
  'acTL of 7 bytes': [HEADER, chunk('acTL', [0, 0, 0, 1, 0, 0, 0]), DATA, fcTL(0), FRAME, IEND],
  'acTL of 9 bytes': [
    HEADER,
    chunk('acTL', [0, 0, 0, 1, 0, 0, 0, 0, 0]),
    DATA,
    fcTL(0),
    FRAME,
    IEND,
  ],
  'acTL with a wrong CRC': [HEADER, badCrc(acTL()), DATA, fcTL(0), FRAME, IEND],
  'acTL missing': [HEADER, DATA, fcTL(0), FRAME, IEND],
  'acTL late': [HEADER, DATA, acTL(), fcTL(0), FRAME, IEND],
  'acTL twice': [HEADER, acTL(), acTL(), DATA, fcTL(0), FRAME, IEND],
  'acTL of 0 frames, then of 1': [HEADER, acTL(0), acTL(), DATA, fcTL(0), FRAME, IEND],
  'acTL plays 2³¹': [HEADER, chunk('acTL', [0, 0, 0, 1, 128, 0, 0, 0]), DATA, fcTL(0), FRAME, IEND],
  'acTL after fcTL, before the pixels': [
    HEADER,
    fcTL(0),
    acTL(),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'fcTL with a wrong CRC': after(badCrc(fcTL(0)), FRAME),
  'fcTL with a wrong CRC, then a right one': after(badCrc(fcTL(0, PART)), fcTL(0), FRAME),
  'fcTL of 25 bytes': after(chunk('fcTL', controlData(0, {}).subarray(0, 25)), FRAME),
  'fcTL of 27 bytes': after(chunk('fcTL', joined(controlData(0, {}), [0])), FRAME),
  'fcTL missing': after(fdAT(0, ZLIB)),
  'fcTL twice': after(fcTL(0), fcTL(1), fdAT(2, ZLIB)),
  'fcTL twice, of two sizes': after(fcTL(0), fcTL(1, PART), fdAT(2, SMALL_ZLIB)),
  'fcTL twice, the first broken': after(fcTL(0, { x: 1 }), fcTL(1), fdAT(2, ZLIB)),
  'fcTL before the pixels twice': [
    HEADER,
    acTL(),
    fcTL(0),
    fcTL(1),
    DATA,
    fcTL(2),
    fdAT(3, ZLIB),
    IEND,
  ],
  'fcTL before the pixels with a wrong CRC': [
    HEADER,
    acTL(),
    badCrc(fcTL(0)),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'fcTL before the pixels with sequence 7': [
    HEADER,
    acTL(),
    fcTL(7),
    DATA,
    fcTL(8),
    fdAT(9, ZLIB),
    IEND,
  ],
  'fcTL before the pixels, wider than the picture': [
    HEADER,
    acTL(),
    fcTL(0, { width: 10 }),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'fcTL before the pixels of 25 bytes': [
    HEADER,
    acTL(),
    chunk('fcTL', controlData(0, {}).subarray(0, 25)),
    DATA,
    fcTL(1),
    fdAT(2, ZLIB),
    IEND,
  ],
  'fcTL and fdAT before the pixels': [
    HEADER,
    acTL(),
    fcTL(0, PART),
    fdAT(1, SMALL_ZLIB),
    DATA,
    IEND,
  ],
  'fdAT before the pixels': [HEADER, acTL(), fdAT(0, ZLIB), DATA, fcTL(1), fdAT(2, ZLIB), IEND],
  'sequence from 1': after(fcTL(1), fdAT(2, ZLIB)),
  'sequence 0 0': after(fcTL(0), fdAT(0, ZLIB)),
  'sequence 0 5': after(fcTL(0), fdAT(5, ZLIB)),
  'sequence 0 1 3': after(fcTL(0), fdAT(1, ZLIB.subarray(0, 60)), fdAT(3, ZLIB.subarray(60))),
  'the frame leaves the right side': controlled({ ...PART, x: 6 }),
  'the frame leaves the bottom': controlled({ ...PART, y: 5 }),
  'the frame reaches the corner': controlled({ ...PART, x: 5, y: 4 }),
  'the frame is far outside': controlled({ ...PART, x: 2 ** 31 - 1 }),
  'the frame is wider than the picture': after(fcTL(0, { width: 10 }), FRAME),
  'the frame has width 0': controlled({ ...PART, width: 0 }),
  'the frame has height 0': controlled({ ...PART, height: 0 }),
  'the frame is 1×1': after(
    fcTL(0, { width: 1, height: 1 }),
    fdAT(1, deflateSync(Uint8Array.of(0, 1, 2, 3))),
  ),
  'fdAT in pieces': after(fcTL(0), ...Array.from(ZLIB, (byte, i) => fdAT(i + 1, [byte]))),
  'fdAT in pieces, one empty': after(
    fcTL(0),
    fdAT(1, []),
    fdAT(2, ZLIB.subarray(0, 60)),
    fdAT(3, []),
    fdAT(4, ZLIB.subarray(60)),
  ),
  'fdAT with a wrong CRC': after(fcTL(0), badCrc(FRAME)),
  'the second fdAT with a wrong CRC': after(
    fcTL(0),
    fdAT(1, ZLIB.subarray(0, 60)),
    badCrc(fdAT(2, ZLIB.subarray(60))),
  ),
  'fdAT missing': after(fcTL(0)),
  'fdAT missing, of 2 frames': [HEADER, acTL(2), DATA, fcTL(0), fcTL(1), fdAT(2, ZLIB), IEND],
  'fdAT empty': after(fcTL(0), fdAT(1, [])),
  'fdAT of 3 bytes': after(fcTL(0), chunk('fdAT', [0, 0, 0]), FRAME),
  'fdAT apart': after(fcTL(0), fdAT(1, ZLIB.subarray(0, 60)), text, fdAT(2, ZLIB.subarray(60))),
  'fdAT apart, an unknown chunk between': after(
    fcTL(0),
    fdAT(1, ZLIB.subarray(0, 60)),
    chunk('abCd', [1]),
    fdAT(2, ZLIB.subarray(60)),
  ),
  'text before fcTL and fdAT': after(text, fcTL(0), text, FRAME),
  'a critical chunk before fcTL': after(chunk('ABCD'), fcTL(0), FRAME),
  'a critical chunk before fdAT': after(fcTL(0), chunk('ABCD'), FRAME),
  'a wrong text before fdAT': after(fcTL(0), badCrc(text), FRAME),
  'a type of no letters before fcTL': after(chunk('ab1d'), fcTL(0), FRAME),
  'IDAT before fcTL again': after(text, DATA, fcTL(0), FRAME),
  'IDAT for fdAT': after(fcTL(0), DATA),
  'IDAT after fcTL': after(fcTL(0), DATA, FRAME),
  'IEND before fcTL': [HEADER, acTL(), DATA, IEND, fcTL(0), FRAME, IEND],
  'IEND missing': [HEADER, acTL(), DATA, fcTL(0), FRAME],
  'IEND cut': [HEADER, acTL(), DATA, fcTL(0), FRAME, IEND.subarray(0, 6)],
  'IEND missing, of 2 frames': [
    HEADER,
    acTL(2),
    DATA,
    fcTL(0),
    FRAME,
    fcTL(2, PART),
    fdAT(3, SMALL_ZLIB),
  ],
  'a chunk cut after the frame': [
    HEADER,
    acTL(2),
    DATA,
    fcTL(0),
    FRAME,
    fcTL(2, PART).subarray(0, 20),
  ],
  'bytes after fdAT': [HEADER, acTL(), DATA, fcTL(0), FRAME, latin1('bytes after the frame')],
  'bytes before fcTL': [
    HEADER,
    acTL(),
    DATA,
    latin1('bytes after the pixels'),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'fdAT without its CRC': [HEADER, acTL(), DATA, fcTL(0), FRAME.subarray(0, -4)],
  'fdAT cut in half': [HEADER, acTL(), DATA, fcTL(0), FRAME.subarray(0, FRAME.length >> 1)],
  'fcTL cut in half': [HEADER, acTL(), DATA, fcTL(0).subarray(0, 20)],
  'fcTL at the end of the file': [HEADER, acTL(), DATA, fcTL(0)],
  'a wrong Adler-32': stream(ZLIB.with(-1, ZLIB[ZLIB.length - 1] ^ 1)),
  'no Adler-32': stream(ZLIB.subarray(0, -4)),
  'half the data': stream(ZLIB.subarray(0, ZLIB.length >> 1)),
  'bytes after the Adler-32': stream(ZLIB, [1, 2, 3, 4, 5]),
  'a byte more': stream(deflateSync(joined(LINES, [0]))),
  '100 rows more': stream(deflateSync(joined(LINES, new Uint8Array(2800)))),
  'a byte less': stream(deflateSync(LINES.subarray(0, -1))),
  'a row less': stream(deflateSync(LINES.subarray(0, -28))),
  'half the rows': stream(deflateSync(LINES.subarray(0, 100))),
  'no pixels': stream(deflateSync(new Uint8Array(0))),
  'filter 5': stream(deflateSync(LINES.with(56, 5))),
  'filter 5 in the first row': stream(deflateSync(LINES.with(0, 5))),
  'no zlib stream': stream(latin1('no zlib stream at all')),
  'a damaged block': stream([0x78, 0x9c, 7, 7, 7, 7]),
  'the still picture has a wrong CRC': [HEADER, acTL(), badCrc(DATA), fcTL(0), FRAME, IEND],
  'the still picture has half its rows': [
    HEADER,
    acTL(),
    chunk('IDAT', deflateSync(LINES.subarray(0, 100))),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'the still picture is no zlib stream': [
    HEADER,
    acTL(),
    chunk('IDAT', latin1('no zlib')),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'the still picture has a wrong Adler-32': [
    HEADER,
    acTL(),
    chunk('IDAT', zlibOf(STILL).with(-1, 77)),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'the still picture has filter 5': [
    HEADER,
    acTL(),
    chunk('IDAT', deflateSync(scanlinesOf(STILL).with(56, 5))),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'the still picture is empty': [HEADER, acTL(), chunk('IDAT'), fcTL(0), FRAME, IEND],
  'the still picture is missing': [HEADER, acTL(), fcTL(0), FRAME, IEND],
  'the still picture is too long': [
    HEADER,
    acTL(),
    chunk('IDAT', deflateSync(joined(scanlinesOf(STILL), new Uint8Array(2800)))),
    fcTL(0),
    FRAME,
    IEND,
  ],
  'no frame at all': after(),
  'turned by eXIf': [
    HEADER,
    acTL(),
    chunk('eXIf', exif(6)),
    DATA,
    fcTL(0, PART),
    fdAT(1, SMALL_ZLIB),
    IEND,
  ],
  'of Display P3': [
    HEADER,
    chunk('cICP', [12, 13, 0, 1]),
    acTL(),
    DATA,
    fcTL(0, PART),
    fdAT(1, SMALL_ZLIB),
    IEND,
  ],
  'tRNS and PLTE late': after(
    chunk('tRNS', [0, 1, 0, 2, 0, 3]),
    chunk('PLTE', [1, 2, 3]),
    fcTL(0),
    FRAME,
  ),
};

/** Makes animations of one structure for every kind of picture. */
function ofEveryKind(): Generated[] {
  return KINDS.flatMap(([colourType, depth]) =>
    [0, 1].flatMap((interlace) =>
      [false, true].flatMap((transparent) => {
        const options = { interlace, transparent };
        const still = randomPicture(colourType, depth, WIDTH, HEIGHT, options);
        const small = randomPicture(colourType, depth, PART.width, PART.height, options);
        const [head, ...rest] = preamble(still);
        const png = file(
          head,
          acTL(),
          ...rest,
          chunk('IDAT', zlibOf(still)),
          fcTL(0, PART),
          fdAT(1, zlibOf(small)),
          IEND,
        );
        const name = `APNG of every kind: colour type ${colourType}, depth ${depth}, interlace ${interlace}${transparent ? ', tRNS' : ''}`;
        return [{ group: 'APNG of every kind', name, png }];
      }),
    ),
  );
}

/** Makes the animated files. */
export const withAnimation = (): Generated[] => [
  ...Object.entries(FILES).map(([name, chunks]) => {
    const group = `APNG: ${name}`;
    return { group, name: group, png: file(...chunks) };
  }),
  ...ofEveryKind(),
];
