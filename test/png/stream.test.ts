import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inflateSync } from 'node:zlib';
import { decode as decodeFastPng } from 'fast-png';
import { Zlib } from 'fflate';
import { afterEach, expect, test, vi } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import {
  decodePng,
  encodePng,
  encodePngRows,
  type PngBand,
  type PngRowsHeader,
  type PngRowsOptions,
  PngRowWriter,
} from '../../src/png/index.ts';
import { joined } from '../bytes.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import { sharedFile, testShared } from '../shared.ts';
import { SIGNATURE, slowCrc32 } from './build-png.ts';

const PIECE_BYTES = 65536;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Bytes a pixel of `data`. */
  readonly inputBytes: 3 | 4;
  readonly data: Uint8Array;
}

type Value = (x: number, y: number, channel: number) => number;

function pixels(width: number, height: number, inputBytes: 3 | 4, value: Value): Pixels {
  const data = new Uint8Array(width * height * inputBytes);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / inputBytes);
    data[i] = value(pixel % width, Math.floor(pixel / width), i % inputBytes);
  }
  return { width, height, inputBytes, data };
}

/** Half a smooth slope, half noise, so that filters and matches have something to do. */
function mixed(width: number, height: number, inputBytes: 3 | 4): Pixels {
  const random = seededRandom(width * 1000 + height * 10 + inputBytes);
  return pixels(width, height, inputBytes, (x, y, c) =>
    x + y < (width + height) / 2 ? 3 * x + 2 * y + 50 * c : random() * 256,
  );
}

/** Bands of `rowsOf(i)` rows each. */
function bandsOf({ width, height, inputBytes, data }: Pixels, rowsOf: (i: number) => number) {
  const bands: PngBand[] = [];
  const rowBytes = width * inputBytes;
  for (let y = 0; y < height; ) {
    const rows = Math.min(rowsOf(bands.length), height - y);
    bands.push({ y, rows, data: data.subarray(y * rowBytes, (y + rows) * rowBytes) });
    y += rows;
  }
  return bands;
}

function written(
  picture: Pixels,
  header: Pick<PngRowsHeader, 'channels' | 'text'>,
  options?: PngRowsOptions,
  rowsOf: (i: number) => number = () => 1,
): Uint8Array {
  const { width, height } = picture;
  const writer = new PngRowWriter({ width, height, ...header }, options);
  const parts = bandsOf(picture, rowsOf).map((band) => writer.write(band));
  return joined(...parts, writer.end());
}

/** Returns the pixels with `channels` bytes each: without alpha, or with alpha 255 added. */
function withChannels({ inputBytes, data }: Pixels, channels: 3 | 4): Uint8Array {
  const converted = new Uint8Array((data.length / inputBytes) * channels).fill(255);
  for (let at = 0, to = 0; at < data.length; at += inputBytes, to += channels) {
    converted.set(data.subarray(at, at + Math.min(inputBytes, channels)), to);
  }
  return converted;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The chunks of a file, whose signature, lengths and checksums are checked on the way. */
function chunksOf(png: Uint8Array): Chunk[] {
  expect(png.subarray(0, 8)).toEqual(SIGNATURE);
  const view = new DataView(png.buffer, png.byteOffset);
  const chunks: Chunk[] = [];
  let at = 8;
  while (at < png.length) {
    const length = view.getUint32(at);
    const body = png.subarray(at + 4, at + 8 + length);
    expect(view.getUint32(at + 8 + length)).toBe(slowCrc32(body));
    chunks.push({ type: String.fromCharCode(...body.subarray(0, 4)), data: body.subarray(4) });
    at += 12 + length;
  }
  expect(at).toBe(png.length);
  return chunks;
}

const idatsOf = (png: Uint8Array): Uint8Array[] =>
  chunksOf(png)
    .filter(({ type }) => type === 'IDAT')
    .map(({ data }) => data);

/** The filter of each row, found with Node's zlib, which checks the Adler-32 as well. */
function filtersOf(png: Uint8Array, { height }: Pixels): number[] {
  const lines = inflateSync(joined(...idatsOf(png)));
  const lineBytes = lines.length / height;
  return Array.from({ length: height }, (_, y) => lines[y * lineBytes]);
}

const SIZES = [
  [1, 1],
  [1, 3],
  [3, 1],
  [4, 4],
  [5, 8],
  [8, 5],
  [9, 7],
  [64, 33],
  [300, 200],
  // Rows wider than a piece, and a picture whose scanlines are two pieces to the byte.
  [30000, 3],
  [1, 32768],
] as const;

for (const [width, height] of SIZES) {
  for (const [inputBytes, channels] of [
    [3, 3],
    [4, 3],
    [4, 4],
  ] as const) {
    const name = `${width}×${height}, ${inputBytes} bytes a pixel in, ${channels} out`;
    test(`PngRowWriter: ${name} → decodePng and fast-png give the same pixels`, () => {
      const picture = mixed(width, height, inputBytes);
      const png = written(picture, { channels });
      const decoded = decodePng(png);
      expect([decoded.width, decoded.height]).toEqual([width, height]);
      const stored = { ...picture, inputBytes: channels, data: withChannels(picture, channels) };
      expect(Buffer.compare(decoded.data, withChannels(stored, 4))).toBe(0);
      const other = decodeFastPng(png, { checkCrc: true });
      expect([other.width, other.height, other.channels, other.depth]).toEqual([
        ...[width, height, channels, 8],
      ]);
      expect(Buffer.compare(Uint8Array.from(other.data), stored.data)).toBe(0);
    });
  }
}

for (const channels of [3, 4] as const) {
  test(`PngRowWriter: ${channels} channels → signature, IHDR, tEXt, IDAT, IEND with right checksums`, () => {
    const picture = mixed(200, 150, 4);
    const chunks = chunksOf(written(picture, { channels, text: { Title: 'one', Author: 'two' } }));
    const types = chunks.map(({ type }) => type);
    const idats = Math.ceil((150 * (1 + 200 * channels)) / PIECE_BYTES);
    expect(types).toEqual(['IHDR', 'tEXt', 'tEXt', ...Array(idats).fill('IDAT'), 'IEND']);
    expect([...chunks[0].data]).toEqual([
      ...[0, 0, 0, 200, 0, 0, 0, 150],
      ...[8, channels === 3 ? 2 : 6, 0, 0, 0],
    ]);
  });
}

test('PngRowWriter: texts → decodePng and fast-png give the same texts', () => {
  const text = { Title: 'caf\xe9 \x80\nsecond line', 'a b': '', é: 'x'.repeat(65536) };
  const png = written(mixed(3, 3, 3), { channels: 3, text });
  expect([...decodePng(png).text]).toEqual(Object.entries(text));
  const ascii = { Title: 'one\ntwo', 'a b': '' };
  const asciiPng = written(mixed(3, 3, 3), { channels: 3, text: ascii });
  expect(decodeFastPng(asciiPng).text).toEqual(ascii);
  const odd = JSON.parse('{"__proto__":"just a name"}') as Record<string, string>;
  const oddPng = written(mixed(3, 3, 3), { channels: 3, text: odd });
  expect([...decodePng(oddPng).text]).toEqual([['__proto__', 'just a name']]);
});

for (let level = 0; level <= 9; level++) {
  test(`PngRowWriter: level ${level} → decodePng gives the same pixels`, () => {
    const picture = mixed(300, 500, 4);
    const options = { level } as PngRowsOptions;
    const png = written(picture, { channels: 4 }, options, () => 7);
    expect(Buffer.compare(decodePng(png).data, picture.data)).toBe(0);
    if (level === 0) expect(new Set(filtersOf(png, picture))).toEqual(new Set([0]));
  });
}

test('PngRowWriter: any grouping of rows → the same file', () => {
  for (const [width, height] of [
    [9, 7],
    [300, 500],
  ]) {
    const picture = mixed(width, height, 4);
    const random = seededRandom(7);
    const one = written(picture, { channels: 3 });
    const groupings = [() => 2, () => 8, () => height, () => 1 + Math.floor(random() * 40)];
    for (const rowsOf of groupings) {
      expect(Buffer.compare(written(picture, { channels: 3 }, {}, rowsOf), one)).toBe(0);
    }
  }
});

test('PngRowWriter: RGB and RGBA of the same colours, clamped or not → the same file', () => {
  const rgba = mixed(20, 10, 4);
  const rgb: Pixels = { ...rgba, inputBytes: 3, data: withChannels(rgba, 3) };
  const png = written(rgba, { channels: 3 });
  expect(written(rgb, { channels: 3 })).toEqual(png);
  const writer = new PngRowWriter({ width: 20, height: 10, channels: 3 });
  const data = new Uint8ClampedArray(rgba.data);
  expect(joined(writer.write({ rows: 10, data }), writer.end())).toEqual(png);
});

test('PngRowWriter: a buffer that is used again for every band → the same file; input unchanged', () => {
  const picture = mixed(50, 40, 4);
  const before = Uint8Array.from(picture.data);
  const writer = new PngRowWriter({ width: 50, height: 40, channels: 4 });
  const buffer = new Uint8Array(7 + 8 * 50 * 4).fill(99);
  const parts = bandsOf(picture, () => 8).map(({ rows, data }) => {
    buffer.set(data, 7);
    const bytes = writer.write({ rows, data: buffer.subarray(7, 7 + data.length) });
    buffer.fill(99);
    return bytes;
  });
  expect(joined(...parts, writer.end())).toEqual(written(picture, { channels: 4 }));
  expect(picture.data).toEqual(before);
});

test('PngRowWriter: two writers at the same time → the files of two in turn', () => {
  const pictures = [mixed(100, 400, 4), mixed(100, 400, 3)];
  const writers = pictures.map(
    () => new PngRowWriter({ width: 100, height: 400, channels: 3 }, { level: 9 }),
  );
  const bands = pictures.map((picture) => bandsOf(picture, () => 3));
  const parts: Uint8Array[][] = [[], []];
  bands[0].forEach((_, i) => {
    writers.forEach((writer, n) => {
      parts[n].push(writer.write(bands[n][i]));
    });
  });
  pictures.forEach((picture, n) => {
    const alone = written(picture, { channels: 3 }, { level: 9 });
    expect(Buffer.compare(joined(...parts[n], writers[n].end()), alone)).toBe(0);
  });
});

test("PngRowWriter: small pictures that fflate's plain stream breaks → Node's zlib reads the same bytes", () => {
  // 14 of these 400 without the remedy in src/png/compressor.ts, all above level 1.
  const random = seededRandom(21);
  for (let n = 0; n < rounds(120, 400); n++) {
    const [width, height] = [1 + Math.floor(random() * 400), 1 + Math.floor(random() * 20)];
    const picture = pixels(width, height, 3, (x) => 2 * x + random() * 1.1);
    const level = (n % 10) as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
    const png = written(picture, { channels: 3 }, { level }, () => height);
    const name = `picture ${n}, ${width}×${height}, level ${level}`;
    expect(
      thrown(() => filtersOf(png, picture)),
      name,
    ).toBe('nothing');
    expect(Buffer.compare(decodePng(png).data, withChannels(picture, 4)), name).toBe(0);
  }
});

const noise = seededRandom(5);
const NOISE = Uint8Array.from({ length: 65536 }, () => noise() * 256);
const noiseAt = (x: number, y: number, c: number): number => NOISE[x * 61 + y * 1009 + c * 7];

/** Whichever of a, b and c is nearest to a + b − c, told by sorting. */
const paethOf = (a: number, b: number, c: number): number =>
  [a, b, c]
    .map((value, order) => ({ value, order, distance: Math.abs(a + b - c - value) }))
    .sort((one, other) => one.distance - other.distance || one.order - other.order)[0].value;

/** A picture that a filter predicts exactly right of and below its noisy first row and column. */
function predicted(by: (a: number, b: number, c: number) => number): Pixels {
  const values = new Map<string, number>();
  const at = (x: number, y: number, c: number): number => values.get(`${x},${y},${c}`) ?? 0;
  return pixels(12, 2, 3, (x, y, channel) => {
    const value =
      x === 0 || y === 0
        ? noiseAt(x, y, channel)
        : by(at(x - 1, y, channel), at(x, y - 1, channel), at(x - 1, y - 1, channel));
    values.set(`${x},${y},${channel}`, value);
    return value;
  });
}

const FILTERED: readonly (readonly [filter: number, name: string, Pixels])[] = [
  [0, 'a chessboard of 0 and 1', pixels(12, 2, 3, (x, y) => (x + y) % 2)],
  [0, 'black', pixels(12, 2, 3, () => 0)],
  [1, 'slopes far apart', pixels(12, 2, 3, (x, y, c) => 3 * x + c + (y === 0 ? 200 : 20))],
  [2, 'a repeated row', pixels(12, 2, 3, (x, _, c) => noiseAt(x, 0, c))],
  [3, 'means of left and above', predicted((a, b) => (a + b) >> 1)],
  [4, "Paeth's predictions", predicted(paethOf)],
];

for (const [filter, name, picture] of FILTERED) {
  test(`PngRowWriter: ${name} → filter ${filter} in the second row, the same pixels`, () => {
    const png = written(picture, { channels: 3 });
    expect(filtersOf(png, picture)[1]).toBe(filter);
    expect(decodePng(png).data).toEqual(withChannels(picture, 4));
  });
}

test('PngRowWriter: seeded pictures → every row has the filter of the smallest sum', () => {
  const used = new Set<number>();
  for (const channels of [3, 4] as const) {
    for (const [width, height] of [
      [7, 40],
      [64, 33],
    ]) {
      const random = seededRandom(width);
      const picture = pixels(
        width,
        height,
        channels,
        (x, y, c) =>
          [random() * 4, 5 * x + random() * y, x * y, x * x + 9 * y * c, random() * 256][y % 5],
      );
      const filters = filtersOf(written(picture, { channels }), picture);
      filters.forEach((filter, y) => {
        expect(filter, `row ${y} of ${width}×${height}×${channels}`).toBe(bestFilter(picture, y));
        used.add(filter);
      });
    }
  }
  expect([...used].sort()).toEqual([0, 1, 2, 3, 4]);
});

/** The choice by the standard's words, pixel by pixel. */
function bestFilter({ width, inputBytes, data }: Pixels, y: number): number {
  const at = (x: number, row: number, c: number): number =>
    x < 0 || row < 0 ? 0 : data[(row * width + x) * inputBytes + c];
  const sums = [0, 0, 0, 0, 0];
  for (let x = 0; x < width; x++) {
    for (let channel = 0; channel < inputBytes; channel++) {
      const [a, b, c] = [at(x - 1, y, channel), at(x, y - 1, channel), at(x - 1, y - 1, channel)];
      [0, a, b, Math.floor((a + b) / 2), paethOf(a, b, c)].forEach((prediction, filter) => {
        const byte = (at(x, y, channel) - prediction + 256) % 256;
        sums[filter] += Math.min(byte, 256 - byte);
      });
    }
  }
  return sums.indexOf(Math.min(...sums));
}

/** Rows of the pictures written in pieces: many times as many as the writer may hold. */
const HEIGHT = rounds(4000, 20000);

test(`PngRowWriter: 512×${HEIGHT} of noise → at most 2.5 MiB held, 64 KiB of IDAT, 128 KiB behind`, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const [width, height, rows] = [512, HEIGHT, 8];
  const random = seededRandom(11);
  const data = new Uint8Array(width * rows * 4);
  // Buffers are freed a while after their collection, so the least of a few looks counts.
  const held = async (): Promise<number> => {
    let least = Infinity;
    for (let look = 0; look < 3; look++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 2));
      least = Math.min(least, process.memoryUsage().arrayBuffers);
    }
    return least;
  };
  const before = await held();
  const writer = new PngRowWriter({ width, height, channels: 3 });
  let [out, largest, maxHeld] = [0, 0, 0];
  for (let y = 0; y < height; y += rows) {
    for (let i = 0; i < data.length; i++) data[i] = random() * 256;
    const bytes = writer.write({ y, rows, data });
    out += bytes.length;
    largest = Math.max(largest, bytes.length);
    // Noise does not compress: what went in and has not come out is held.
    expect((y + rows) * (1 + width * 3) - out).toBeLessThan(2 * PIECE_BYTES);
    if (y % 800 === 0) maxHeld = Math.max(maxHeld, (await held()) - before);
  }
  expect(out).toBeGreaterThan(0.99 * height * width * 3);
  expect(largest).toBeLessThan(PIECE_BYTES + 256);
  expect(maxHeld).toBeLessThan(2.5 * 2 ** 20);
  expect(writer.end().length).toBeLessThan(PIECE_BYTES + 256);
});

test(`PngRowWriter: 512×${HEIGHT}, smooth → bytes after every 64 KiB of rows, the same pixels`, () => {
  const picture = pixels(512, HEIGHT, 4, (x, y, c) =>
    c === 3 ? 255 : (x >> 2) + (y >> 5) + 40 * c,
  );
  const writer = new PngRowWriter({ width: 512, height: HEIGHT, channels: 3 });
  const parts: Uint8Array[] = [];
  bandsOf(picture, () => 16).forEach((band, i) => {
    const bytes = writer.write(band);
    parts.push(bytes);
    const pieces = (rows: number): number => Math.floor((rows * (1 + 512 * 3)) / PIECE_BYTES);
    const expectBytes = i === 0 || pieces((i + 1) * 16) > pieces(i * 16);
    expect(bytes.length > 0, `band ${i} gives bytes`).toBe(expectBytes);
  });
  const png = joined(...parts, writer.end());
  expect(Buffer.compare(decodePng(png).data, picture.data)).toBe(0);
});

test('PngRowWriter: noise → IDAT of at most 64 KiB and 256 bytes', () => {
  const random = seededRandom(3);
  const picture = pixels(400, 400, 4, () => random() * 256);
  for (const level of [0, 6, 9] as const) {
    const png = written(picture, { channels: 4 }, { level }, () => 400);
    for (const data of idatsOf(png)) expect(data.length).toBeLessThanOrEqual(PIECE_BYTES + 256);
    expect(Buffer.compare(decodePng(png).data, picture.data)).toBe(0);
  }
});

testShared(
  'PngRowWriter: astronaut 512×512 → the same pixels, a quarter less than encodePng',
  () => {
    const { width, height, data } = decodePng(sharedFile('images/astronaut.png'));
    const picture: Pixels = { width, height, inputBytes: 4, data };
    const png = written(picture, { channels: 3 }, {}, () => 8);
    expect(Buffer.compare(decodePng(png).data, data)).toBe(0);
    const plain = encodePng({ width, height, data: withChannels(picture, 3) });
    expect(png.length / plain.length).toBeLessThan(0.75);
  },
);

const HEADER: PngRowsHeader = { width: 3, height: 5, channels: 3 };
const SIZE_RULE = 'expected a whole number from 1 to 2147483647';
const LEVEL_RULE = 'expected a whole number from 0 to 9';
const KEYWORD_RULE = 'expected 1 to 79 printable Latin-1 characters, single spaces within';
const WRONG_HEADERS: readonly (readonly [string, object, object, string])[] = [
  ['width 0', { width: 0 }, {}, `"width" ${SIZE_RULE}, got 0`],
  ['width 1.5', { width: 1.5 }, {}, `"width" ${SIZE_RULE}, got 1.5`],
  ['width missing', { width: undefined }, {}, `"width" ${SIZE_RULE}, got undefined`],
  ['height −8', { height: -8 }, {}, `"height" ${SIZE_RULE}, got -8`],
  ['height 2³¹', { height: 2 ** 31 }, {}, `"height" ${SIZE_RULE}, got 2147483648`],
  ['height a string', { height: '5' }, {}, `"height" ${SIZE_RULE}, got "5"`],
  ['2 channels', { channels: 2 }, {}, '"channels" expected 3 or 4, got 2'],
  ['channels missing', { channels: undefined }, {}, '"channels" expected 3 or 4, got undefined'],
  ['level 10', {}, { level: 10 }, `"level" ${LEVEL_RULE}, got 10`],
  ['level −1', {}, { level: -1 }, `"level" ${LEVEL_RULE}, got -1`],
  ['level 2.5', {}, { level: 2.5 }, `"level" ${LEVEL_RULE}, got 2.5`],
  ['level a string', {}, { level: '6' }, `"level" ${LEVEL_RULE}, got "6"`],
  ['text null', { text: null }, {}, '"text" expected an object of strings, got null'],
  ['an empty keyword', { text: { '': 'x' } }, {}, `"text keyword" ${KEYWORD_RULE}, got ""`],
  ['a leading space', { text: { ' a': 'x' } }, {}, `"text keyword" ${KEYWORD_RULE}, got " a"`],
  ['a doubled space', { text: { 'a  b': '' } }, {}, `"text keyword" ${KEYWORD_RULE}, got "a  b"`],
  ['a keyword past Latin-1', { text: { 名: '' } }, {}, `"text keyword" ${KEYWORD_RULE}, got "名"`],
  [
    'a keyword of 80',
    { text: { ['k'.repeat(80)]: 'x' } },
    {},
    `"text keyword" ${KEYWORD_RULE}, got "${'k'.repeat(40)}…"`,
  ],
  ['a text of a number', { text: { k: 5 } }, {}, '"text k" expected a string, got 5'],
  [
    'a text past Latin-1',
    { text: { k: 'Ω' } },
    {},
    '"text k" expected Latin-1 characters without NUL, got "Ω"',
  ],
  [
    'a text with NUL',
    { text: { k: 'a\0' } },
    {},
    '"text k" expected Latin-1 characters without NUL, got "a\\u0000"',
  ],
];

/** Returns the code and message of the error that a call threw. */
function thrown(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof TaesdError ? `${error.code} ${error.message}` : String(error);
  }
  return 'nothing';
}

for (const [name, header, options, message] of WRONG_HEADERS) {
  test(`PngRowWriter: ${name} → ARG`, () => {
    const call = () => new PngRowWriter({ ...HEADER, ...header }, options);
    expect(thrown(call)).toBe(`ARG PngRowWriter: ${message}`);
  });
}

test('PngRowWriter: no header → ARG', () => {
  const call = () => new PngRowWriter(undefined as unknown as PngRowsHeader);
  expect(thrown(call)).toBe(`ARG PngRowWriter: "width" ${SIZE_RULE}, got undefined`);
});

test('PngRowWriter: a text above 64 KiB → LIMIT', () => {
  const call = () => new PngRowWriter({ ...HEADER, text: { k: 'x'.repeat(65537) } });
  expect(thrown(call)).toBe(
    'LIMIT PngRowWriter: "text k" expected at most 65536 characters, got 65537',
  );
});

const ROWS = (rows: number, bytes = 3): PngBand => ({
  rows,
  data: new Uint8Array(rows * 3 * bytes),
});
const DATA_RULE = 'expected 18 bytes of RGB or 24 bytes of RGBA for 3×2 pixels';
const ARRAY_RULE = '"data" expected a Uint8Array or Uint8ClampedArray';
const WRONG_BANDS: readonly (readonly [string, unknown, string])[] = [
  ['no band', undefined, `${ARRAY_RULE}, got undefined`],
  ['bytes alone', new Uint8Array(9), `${ARRAY_RULE}, got undefined`],
  ['a plain array', { rows: 1, data: [1, 2, 3] }, `${ARRAY_RULE}, got { 0, 1, 2 }`],
  ['rows 0', { rows: 0, data: new Uint8Array(0) }, `"rows" ${SIZE_RULE}, got 0`],
  ['rows missing', { data: new Uint8Array(9) }, `"rows" ${SIZE_RULE}, got undefined`],
  ['a byte too few', { rows: 2, data: new Uint8Array(17) }, `"data" ${DATA_RULE}, got 17`],
  ['a byte too many', { rows: 2, data: new Uint8Array(25) }, `"data" ${DATA_RULE}, got 25`],
  ['5 bytes a pixel', { rows: 2, data: new Uint8Array(30) }, `"data" ${DATA_RULE}, got 30`],
  ['no bytes', { rows: 2, data: new Uint8Array(0) }, `"data" ${DATA_RULE}, got 0`],
  ['another width', { ...ROWS(4), width: 4 }, '"width" expected 3, as in the header, got 4'],
  [
    'a row left out',
    { ...ROWS(1), y: 2 },
    '"y" expected 1, the next row, got 2 (rows go from top to bottom)',
  ],
  [
    'a row twice',
    { ...ROWS(1), y: 0 },
    '"y" expected 1, the next row, got 0 (rows go from top to bottom)',
  ],
  ['a row too many', ROWS(5), '"rows" expected at most 4 more of 5, got 5'],
];

for (const [name, band, message] of WRONG_BANDS) {
  test(`PngRowWriter: ${name} → ARG, and the rows that follow are written`, () => {
    const picture = mixed(3, 5, 3);
    const [first, ...others] = bandsOf(picture, () => 1);
    const writer = new PngRowWriter(HEADER);
    const parts = [writer.write(first)];
    const call = () => writer.write(band as PngBand);
    expect(thrown(call)).toBe(`ARG PngRowWriter.write: ${message}`);
    parts.push(...others.map((other) => writer.write(other)), writer.end());
    expect(joined(...parts)).toEqual(written(picture, { channels: 3 }));
  });
}

test('encodePngRows: bands that are none → ARG', async () => {
  const detached = new Uint8Array(16);
  structuredClone(detached, { transfer: [detached.buffer] });
  for (const [bands, got] of [
    [undefined, 'undefined'] as const,
    [{ rows: 1 }, '{ rows }'] as const,
    [new Uint8Array(16), 'Uint8Array of 16 bytes'] as const,
    [detached, 'Uint8Array of 0 bytes'] as const,
  ]) {
    const file = encodePngRows({ width: 1, height: 1, channels: 3 }, bands as never);
    await expect(file.next()).rejects.toMatchObject({
      code: 'ARG',
      message: `encodePngRows: "bands" expected bands of rows, such as decodeRows(latents), got ${got}`,
    });
  }
});

test('PngRowWriter: RGB for a file with alpha → ARG', () => {
  const writer = new PngRowWriter({ ...HEADER, channels: 4 });
  expect(thrown(() => writer.write(ROWS(2)))).toBe(
    'ARG PngRowWriter.write: "data" expected 24 bytes of RGBA for 3×2 pixels, got 18',
  );
});

test('PngRowWriter: a detached buffer → ARG', () => {
  const band = ROWS(1);
  structuredClone(band.data.buffer, { transfer: [band.data.buffer as ArrayBuffer] });
  expect(thrown(() => new PngRowWriter(HEADER).write(band))).toBe(
    'ARG PngRowWriter.write: "data" expected live data, got a detached buffer (transferred to a worker?)',
  );
});

test('PngRowWriter: end while rows are missing → ARG, and they can still be written', () => {
  const picture = mixed(3, 5, 3);
  const [first, second] = bandsOf(picture, () => 4);
  const writer = new PngRowWriter(HEADER);
  const missing = (rows: number) =>
    `ARG PngRowWriter.end: "rows" expected 5 before the end, got ${rows} (write the missing rows first)`;
  expect(thrown(() => writer.end())).toBe(missing(0));
  const parts = [writer.write(first)];
  expect(thrown(() => writer.end())).toBe(missing(4));
  parts.push(writer.write(second), writer.end());
  expect(joined(...parts)).toEqual(written(picture, { channels: 3 }));
});

test('PngRowWriter: a call after end → ARG', () => {
  const writer = new PngRowWriter(HEADER);
  writer.write(ROWS(5));
  const rule = '"rows" expected at most 0 more of 5, got 1';
  expect(thrown(() => writer.write(ROWS(1)))).toBe(`ARG PngRowWriter.write: ${rule}`);
  writer.end();
  const spent = 'this writer has ended its file';
  expect(thrown(() => writer.write(ROWS(1)))).toBe(`ARG PngRowWriter.write: ${spent}`);
  expect(thrown(() => writer.end())).toBe(`ARG PngRowWriter.end: ${spent}`);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const noMemory = (): never => {
  throw new RangeError('Array buffer allocation failed');
};
const REMEDY = '(a smaller picture still works)';

test('PngRowWriter: no memory for a row → OOM', () => {
  vi.stubGlobal('Uint8Array', function stub() {
    noMemory();
  });
  const message = thrown(() => new PngRowWriter(HEADER));
  vi.unstubAllGlobals();
  expect(message).toBe(`OOM PngRowWriter: out of memory for "row": 12 bytes ${REMEDY}`);
});

test('PngRowWriter: no memory while compressing → OOM, then ARG', () => {
  const writer = new PngRowWriter(HEADER);
  writer.write(ROWS(5));
  vi.spyOn(Zlib.prototype, 'push').mockImplementation(noMemory);
  expect(thrown(() => writer.end())).toBe(
    `OOM PngRowWriter.end: out of memory for "rows": the file's next bytes ${REMEDY}`,
  );
  expect(thrown(() => writer.end())).toBe('ARG PngRowWriter.end: this writer has failed');
});

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

/** Bands as they come from a decoder, and how many were asked for. */
function asked(picture: Pixels, rows: number) {
  const state = { count: 0, left: false };
  async function* bands(): AsyncGenerator<PngBand, void, void> {
    try {
      for (const band of bandsOf(picture, () => rows)) {
        state.count++;
        yield band;
      }
    } finally {
      state.left = true;
    }
  }
  return { state, bands: bands() };
}

test('encodePngRows: bands, at once or later → the file of PngRowWriter, no empty pieces', async () => {
  const picture = mixed(300, 500, 4);
  const header = { width: 300, height: 500, channels: 3, text: { Title: 'x' } } as const;
  const one = written(picture, header, { level: 4 });
  for (const bands of [bandsOf(picture, () => 9), asked(picture, 9).bands]) {
    const pieces = await collected(encodePngRows(header, bands, { level: 4 }));
    expect(pieces.every((piece) => piece.length > 0)).toBe(true);
    expect(Buffer.compare(joined(...pieces), one)).toBe(0);
  }
});

test('encodePngRows: pieces that are not asked for → bands that are not asked for; leaving ends them', async () => {
  const { state, bands } = asked(mixed(300, 500, 4), 9);
  const pieces = encodePngRows({ width: 300, height: 500, channels: 3 }, bands);
  expect((await pieces.next()).value?.subarray(0, 8)).toEqual(SIGNATURE);
  expect(state).toEqual({ count: 1, left: false });
  await pieces.next();
  expect(state.count).toBe(Math.ceil(PIECE_BYTES / (9 * 901)));
  await pieces.return();
  expect(state.left).toBe(true);
});

test('encodePngRows: as the body of a response → the same file', async () => {
  const picture = mixed(30, 50, 4);
  const header = { width: 30, height: 50, channels: 4 } as const;
  const pieces = encodePngRows(
    header,
    bandsOf(picture, () => 8),
  );
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return();
    },
  });
  const png = new Uint8Array(await new Response(body).arrayBuffer());
  expect(png).toEqual(written(picture, header));
});

test('encodePngRows: rows missing at the end → ARG', async () => {
  const [first] = bandsOf(mixed(3, 5, 3), () => 4);
  await expect(collected(encodePngRows(HEADER, [first]))).rejects.toThrow(
    new TaesdError(
      'ARG',
      'PngRowWriter.end: "rows" expected 5 before the end, got 4 (write the missing rows first)',
    ),
  );
});

test('encodePngRows: bands that fail → their error', async () => {
  const failing = (function* (): Generator<PngBand> {
    yield ROWS(1);
    throw new TaesdError('ABORTED', 'decodeRows: stopped');
  })();
  await expect(collected(encodePngRows(HEADER, failing))).rejects.toThrow('decodeRows: stopped');
});
