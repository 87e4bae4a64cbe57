import { deflateSync } from 'node:zlib';
import { joined, latin1 } from '../bytes.ts';
import { seededRandom } from '../random.ts';

/*
 * PNG files built chunk by chunk from known samples, and the RGBA they stand for. This file shares
 * no code with src/png: the CRC is computed bit by bit, the pass of a pixel is read from the
 * standard's 8×8 drawing, and the colours are computed from the samples.
 */

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

export const uint32 = (value: number): Uint8Array =>
  Uint8Array.of(value / 2 ** 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

export function slowCrc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (((crc ^ (byte >> bit)) & 1) === 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

export function chunk(type: string, data: Uint8Array | readonly number[] = []): Uint8Array {
  const body = joined(latin1(type), data);
  return joined(uint32(data.length), body, uint32(slowCrc32(body)));
}

export interface Ihdr {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly compression?: number;
  readonly filter?: number;
  readonly interlace?: number;
}

export const ihdr = (of: Ihdr): Uint8Array =>
  chunk('IHDR', [
    ...uint32(of.width),
    ...uint32(of.height),
    of.depth,
    of.colourType,
    of.compression ?? 0,
    of.filter ?? 0,
    of.interlace ?? 0,
  ]);

export const idat = (scanlines: Uint8Array | readonly number[]): Uint8Array =>
  chunk('IDAT', deflateSync(Uint8Array.from(scanlines)));

export const IEND = chunk('IEND');

export const file = (...chunks: readonly Uint8Array[]): Uint8Array => joined(SIGNATURE, ...chunks);

export const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** The standard's drawing of Adam7: the pass of each pixel of an 8×8 tile. */
const ADAM7_TILE = [
  '16462646',
  '77777777',
  '56565656',
  '77777777',
  '36463646',
  '77777777',
  '56565656',
  '77777777',
];

export interface Picture extends Ihdr {
  /** [height][width][channels] numbers below 2^depth. */
  readonly samples: readonly number[];
  /** RGB triples. */
  readonly palette?: readonly number[];
  /** The numbers of tRNS: one for grey, three for RGB, alphas for a palette. */
  readonly transparency?: readonly number[];
  /** Returns a row's filter by its number in its pass. Defaults to a cycle of all five filters. */
  readonly rowFilter?: (row: number) => number;
}

/** Returns the rows of each pass as lists of samples. */
function passRows({ width, height, colourType, interlace, samples }: Picture): number[][][] {
  const channels = CHANNELS[colourType];
  const passes: number[][][] = Array.from({ length: 8 }, () => []);
  for (let y = 0; y < height; y++) {
    const rows = new Map<number, number[]>();
    for (let x = 0; x < width; x++) {
      const pass = interlace === 1 ? Number(ADAM7_TILE[y % 8][x % 8]) : 0;
      const at = (y * width + x) * channels;
      const row = rows.get(pass) ?? [];
      for (let c = 0; c < channels; c++) row.push(samples[at + c]);
      rows.set(pass, row);
    }
    for (const [pass, row] of rows) passes[pass].push(row);
  }
  return passes;
}

/** Packs samples into bytes, padded with ones, which decoders must ignore. */
function packRow(row: readonly number[], depth: number): Uint8Array {
  if (depth === 8) return Uint8Array.from(row);
  const bits = row.map((sample) => sample.toString(2).padStart(depth, '0')).join('');
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => parseInt(byte.padEnd(8, '1'), 2));
}

function paeth(a: number, b: number, c: number): number {
  const [da, db, dc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (da <= db && da <= dc) return a;
  return db <= dc ? b : c;
}

function filterRow(kind: number, row: Uint8Array, above: Uint8Array, bpp: number): Uint8Array {
  return row.map((value, i) => {
    const a = row[i - bpp] ?? 0;
    const b = above[i] ?? 0;
    const c = i < bpp ? 0 : (above[i - bpp] ?? 0);
    return value - (kind === 4 ? paeth(a, b, c) : [0, a, b, (a + b) >> 1][kind]);
  });
}

/** Returns the filtered rows of all passes, before compression. */
export function scanlinesOf(picture: Picture): Uint8Array {
  const { depth, colourType, rowFilter = (row) => row % 5 } = picture;
  const bpp = Math.max(1, (depth * CHANNELS[colourType]) / 8);
  const lines: Uint8Array[] = [];
  for (const rows of passRows(picture)) {
    let above = new Uint8Array(0);
    rows.forEach((samples, index) => {
      const row = Uint8Array.from(packRow(samples, depth));
      const kind = rowFilter(index);
      lines.push(Uint8Array.of(kind), filterRow(kind, row, above, bpp));
      above = row;
    });
  }
  return joined(...lines);
}

/** Returns the chunks of a picture before IDAT. */
export function preamble(picture: Picture): Uint8Array[] {
  const { palette, transparency, colourType } = picture;
  const chunks = [ihdr(picture)];
  if (palette !== undefined) chunks.push(chunk('PLTE', palette));
  if (transparency !== undefined) {
    const wide = transparency.flatMap((value) => [value >> 8, value & 255]);
    chunks.push(chunk('tRNS', colourType === 3 ? transparency : wide));
  }
  return chunks;
}

export const buildPng = (picture: Picture): Uint8Array =>
  file(...preamble(picture), idat(scanlinesOf(picture)), IEND);

/** Returns the RGBA of the samples, by the standard's formulas. */
export function rgbaOf(picture: Picture): Uint8Array {
  const { depth, colourType, samples, palette = [], transparency } = picture;
  const channels = CHANNELS[colourType];
  const level = (value: number): number => Math.round((value * 255) / (2 ** depth - 1));
  const rgba: number[] = [];
  for (let at = 0; at < samples.length; at += channels) {
    const pixel = samples.slice(at, at + channels);
    const isKey = transparency?.every((value, i) => value === pixel[i]) ?? false;
    const [first, second, third, fourth] = pixel.map(level);
    if (colourType === 0) rgba.push(first, first, first, isKey ? 0 : 255);
    if (colourType === 2) rgba.push(first, second, third, isKey ? 0 : 255);
    if (colourType === 4) rgba.push(first, first, first, second);
    if (colourType === 6) rgba.push(first, second, third, fourth);
    if (colourType === 3) {
      const index = pixel[0];
      rgba.push(...palette.slice(index * 3, index * 3 + 3), transparency?.[index] ?? 255);
    }
  }
  return Uint8Array.from(rgba);
}

/** Every legal pair of colour type and depth. */
export const KINDS: readonly (readonly [colourType: number, depth: number])[] = [
  ...[1, 2, 4, 8, 16].map((depth) => [0, depth] as const),
  ...[8, 16].map((depth) => [2, depth] as const),
  ...[1, 2, 4, 8].map((depth) => [3, depth] as const),
  ...[8, 16].map((depth) => [4, depth] as const),
  ...[8, 16].map((depth) => [6, depth] as const),
];

/**
 * Returns a picture of random samples. With `transparent` it has tRNS, if its colour type allows
 * that. A third of the pixels then equal tRNS, or differ from it in one sample's lowest bit.
 */
export function randomPicture(
  colourType: number,
  depth: number,
  width: number,
  height: number,
  { interlace = 0, transparent = false } = {},
): Picture {
  const random = seededRandom(colourType * 1000 + depth * 100 + width * 10 + height + interlace);
  const below = (limit: number): number => Math.floor(random() * limit);
  const channels = CHANNELS[colourType];
  const size = { width, height, depth, colourType, interlace };
  const count = width * height * channels;
  if (colourType === 3) {
    const entries = Math.min(2 ** depth, 200);
    const samples = Array.from({ length: count }, () => below(entries));
    const palette = Array.from({ length: entries * 3 }, () => below(256));
    const alphas = Array.from({ length: Math.ceil(entries / 2) }, () => below(256));
    return { ...size, samples, palette, ...(transparent ? { transparency: alphas } : {}) };
  }
  const samples = Array.from({ length: count }, () => below(2 ** depth));
  if (!transparent || colourType > 2) return { ...size, samples };
  const transparency = Array.from({ length: channels }, () => below(2 ** depth));
  for (let pixel = 0; pixel < width * height; pixel += 3) {
    transparency.forEach((value, i) => {
      samples[pixel * channels + i] = value;
    });
    if (pixel % 2 === 1) samples[pixel * channels] ^= 1;
  }
  return { ...size, samples, transparency };
}
