import { inflateSync } from 'node:zlib';
import { CHANNELS, slowCrc32 } from './build-png.ts';

/*
 * A decoder of PNG on node:zlib for tests alone. It shares no code with src/: it works on lists of
 * numbers, finds pixels by the standard's formulas, and computes colours in float64.
 */

/** Pixels as RGBA, and whether their values were converted. */
export interface OwnPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly isConverted: boolean;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  readonly isSound: boolean;
}

/** Reads the file's chunks up to the first thing that is none. */
function chunksOf(png: Uint8Array): Chunk[] {
  const bytes = Buffer.from(png);
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (end > bytes.length) {
      chunks.push({ type: `cut ${type}`, data: Buffer.alloc(0), isSound: false });
      break;
    }
    const isSound = slowCrc32(bytes.subarray(at + 4, end - 4)) === bytes.readUInt32BE(end - 4);
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), isSound });
    at = end;
  }
  return chunks;
}

/** A frame: its place, and its compressed pixels. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly stream: Buffer;
}

/**
 * Returns the first frame of an animation whose still picture is no frame. Undefined for all other
 * files and for animations that break a rule up to the end of their first frame.
 */
function firstFrame(
  preamble: readonly Chunk[],
  rest: readonly Chunk[],
  [canvasWidth, canvasHeight]: readonly number[],
): Frame | 'cut' | undefined {
  const isAnimated = preamble.some(
    ({ type, data, isSound }) =>
      type === 'acTL' &&
      isSound &&
      data.length === 8 &&
      data.readInt32BE(0) > 0 &&
      data.readInt32BE(4) >= 0,
  );
  if (!isAnimated || preamble.some(({ type }) => type === 'fcTL')) return undefined;
  const iend = rest.findIndex(({ type }) => type === 'IEND');
  const chunks = (iend === -1 ? rest : rest.slice(0, iend)).filter(
    ({ type, isSound }) => /fdAT/.test(type) || (type === 'fcTL' && isSound),
  );
  const second = chunks.findIndex(({ type }, i) => type === 'fcTL' && i > 0);
  const [control, ...pieces] = second === -1 ? chunks : chunks.slice(0, second);
  if (control?.type !== 'fcTL' || control.data.length !== 26) return undefined;
  const [sequence, width, height, x, y] = [0, 4, 8, 12, 16].map((at) =>
    control.data.readUInt32BE(at),
  );
  const isInside = x + width <= canvasWidth && y + height <= canvasHeight && width * height > 0;
  if (sequence !== 0 || !isInside || control.data[24] > 2 || control.data[25] > 1) return undefined;
  if (pieces.some(({ type }) => type === 'cut fdAT')) return 'cut';
  const isOrdered = pieces.every(
    ({ data }, i) => data.length >= 4 && data.readUInt32BE(0) === i + 1,
  );
  if (!isOrdered || pieces.length === 0) return undefined;
  return { width, height, x, y, stream: Buffer.concat(pieces.map(({ data }) => data.subarray(4))) };
}

/** Returns the picture, or undefined for a file that must be refused. */
export function ownDecode(png: Uint8Array): OwnPicture | undefined {
  const chunks = chunksOf(png);
  const firstIdat = chunks.findIndex(({ type }) => type === 'IDAT');
  const preamble = chunks.slice(0, firstIdat);
  const run = chunks.slice(firstIdat);
  const runEnd = run.findIndex(({ type }) => type !== 'IDAT');
  const idats = runEnd === -1 ? run : run.slice(0, runEnd);
  const [ihdr] = preamble;
  if (firstIdat < 1 || ihdr.type !== 'IHDR' || ihdr.data.length !== 13) return undefined;
  const critical = [...preamble, ...idats].filter(({ type }) => !/^[a-z]/.test(type));
  const isKnown = critical.every(({ type }) => ['IHDR', 'PLTE', 'IDAT'].includes(type));
  const isLetters = preamble.every(({ type }) => /^[A-Za-z]{4}$/.test(type));
  const isOnce = critical.filter(({ type }) => type === 'IHDR').length === 1;
  if (!isKnown || !isLetters || !isOnce || critical.some(({ isSound }) => !isSound))
    return undefined;

  const width = ihdr.data.readUInt32BE(0);
  const height = ihdr.data.readUInt32BE(4);
  const [depth, colourType, , , interlace] = ihdr.data.subarray(8);
  const palettes = preamble.filter(({ type }) => type === 'PLTE').map(({ data }) => data);
  const hasPalette = colourType === 3;
  if (hasPalette && (palettes.length !== 1 || palettes[0].length % 3 !== 0)) return undefined;
  const suggested = colourType === 2 || colourType === 6 ? palettes : [];
  const wellFormed = suggested.filter(({ length }) => length % 3 === 0);
  if (wellFormed.length > 1) return undefined;
  const lengths = [...wellFormed, ...(hasPalette ? palettes : [])].map(({ length }) => length);
  if (lengths.some((length) => length === 0 || length > 768)) return undefined;
  const palette = hasPalette ? palettes[0].subarray(0, 3 * 2 ** depth) : Buffer.alloc(0);

  const channels = CHANNELS[colourType];
  const frame = firstFrame(preamble, run.slice(idats.length), [width, height]);
  if (frame === 'cut') return undefined;
  const still = { width, height, x: 0, y: 0, stream: Buffer.concat(idats.map(({ data }) => data)) };
  const place = frame ?? still;
  const bits = channels * depth;
  const shape = { width: place.width, height: place.height, bits, interlace };
  const lines = inflated(place.stream, shape);
  const samples = lines && samplesOf(lines, shape, depth);
  if (samples === undefined) return undefined;

  const plte = preamble.findIndex(({ type }) => type === 'PLTE');
  const find = (type: string, legal: readonly Chunk[]): Buffer | undefined =>
    legal.find((one) => one.type === type && one.isSound && hasItsLength(one))?.data;
  const beforePalette =
    plte === -1 || (!hasPalette && wellFormed.length === 0) ? preamble : preamble.slice(0, plte);
  const alphas = transparencyOf(preamble, hasPalette ? plte : 0, colourType, palette.length / 3);
  const convert = conversionOf((type) => find(type, beforePalette), colourType);

  const maxSample = 2 ** depth - 1;
  const framePixels: number[][] = samples.map((pixel) => {
    if (hasPalette) {
      const [index] = pixel;
      if (index * 3 >= palette.length) return [0, 0, 0, 255];
      const rgb = [...palette.subarray(index * 3, index * 3 + 3)].map((level) => level / 255);
      return [...levelsOf(rgb, convert), alphas?.[index] ?? 255];
    }
    const key =
      alphas === undefined ? [] : pixel.map((_, i) => alphas.readUInt16BE(2 * i) & maxSample);
    const isKey = alphas !== undefined && pixel.every((value, i) => value === key[i]);
    const values = pixel.map((value) => value / maxSample);
    const isGrey = colourType === 0 || colourType === 4;
    const rgb = isGrey ? [values[0], values[0], values[0]] : values.slice(0, 3);
    const alpha = colourType >= 4 ? Math.round(255 * values[values.length - 1]) : isKey ? 0 : 255;
    return [...levelsOf(rgb, convert), alpha];
  });
  const pixels = Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) - place.x, Math.floor(i / width) - place.y];
    const isInside = x >= 0 && x < place.width && y >= 0 && y < place.height;
    return isInside ? framePixels[y * place.width + x] : [0, 0, 0, 0];
  });
  const orientation = orientationOf(find('eXIf', preamble));
  const turned = turn(pixels, width, height, orientation);
  return { ...turned, isConverted: convert !== undefined };
}

function transparencyOf(
  preamble: readonly Chunk[],
  from: number,
  colourType: number,
  entries: number,
): Buffer | undefined {
  const fits = ({ length }: Buffer): boolean =>
    ({ 0: length === 2, 2: length === 6, 3: length > 0 && length <= entries })[colourType] ?? false;
  return preamble
    .slice(from)
    .find(({ type, data, isSound }) => type === 'tRNS' && isSound && fits(data))?.data;
}

interface Shape {
  readonly width: number;
  readonly height: number;
  /** Bits of a pixel. */
  readonly bits: number;
  readonly interlace: number;
}

const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** The passes: the columns and rows of the picture that each has. */
function passesOf({ width, height, interlace }: Shape): { xs: number[]; ys: number[] }[] {
  return (interlace === 1 ? ADAM7 : [[0, 0, 1, 1]])
    .map(([x0, y0, dx, dy]) => ({
      xs: Array.from({ length: width }, (_, x) => x).filter((x) => x >= x0 && (x - x0) % dx === 0),
      ys: Array.from({ length: height }, (_, y) => y).filter((y) => y >= y0 && (y - y0) % dy === 0),
    }))
    .filter(({ xs, ys }) => xs.length > 0 && ys.length > 0);
}

const rowBytes = (count: number, bits: number): number => Math.ceil((count * bits) / 8);

/** Inflates the rows; more than the picture needs is cut off. */
function inflated(stream: Buffer, shape: Shape): Buffer | undefined {
  const needed = passesOf(shape).reduce(
    (sum, { xs, ys }) => sum + ys.length * (1 + rowBytes(xs.length, shape.bits)),
    0,
  );
  // zlib holds a stream to the window that its header states; readers of PNG do not.
  const widest =
    stream.length > 1 && (stream[0] & 15) === 8 && stream.readUInt16BE(0) % 31 === 0
      ? Buffer.concat([Buffer.of(0x78, 0x9c), stream.subarray(2)])
      : stream;
  try {
    const lines = inflateSync(widest);
    return lines.length >= needed ? lines.subarray(0, needed) : undefined;
  } catch {
    return undefined;
  }
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const near = [a, b, c].map((value) => Math.abs(p - value));
  return [a, b, c][near.indexOf(Math.min(...near))];
}

/** Returns the samples of each pixel of the picture, row by row. */
function samplesOf(lines: Buffer, shape: Shape, depth: number): number[][] | undefined {
  const { width, height, bits } = shape;
  const back = Math.max(1, bits / 8);
  const pixels: number[][] = Array.from({ length: width * height }, () => []);
  let at = 0;
  for (const { xs, ys } of passesOf(shape)) {
    const length = rowBytes(xs.length, bits);
    let above: number[] = Array(length).fill(0);
    for (const y of ys) {
      const filter = lines[at++];
      if (filter > 4) return undefined;
      const row: number[] = [];
      for (let i = 0; i < length; i++) {
        const a = row[i - back] ?? 0;
        const c = above[i - back] ?? 0;
        const guess = [0, a, above[i], Math.floor((a + above[i]) / 2), paeth(a, above[i], c)];
        row.push((lines[at++] + guess[filter]) % 256);
      }
      above = row;
      const text = row.map((byte) => byte.toString(2).padStart(8, '0')).join('');
      xs.forEach((x, n) => {
        const own = text.slice(n * bits, (n + 1) * bits);
        for (let i = 0; i < bits; i += depth) {
          pixels[y * width + x].push(Number.parseInt(own.slice(i, i + depth), 2));
        }
      });
    }
  }
  return pixels;
}

/** Colours 0 to 1 to linear light of sRGB. */
type Convert = (rgb: readonly number[]) => readonly number[];

const encode = (light: number): number => {
  const v = Math.min(1, Math.max(0, light));
  return v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055;
};
const decode = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

const levelsOf = (rgb: readonly number[], convert: Convert | undefined): number[] =>
  (convert === undefined ? rgb : convert(rgb).map(encode)).map((value) => Math.round(255 * value));

type Rows = readonly (readonly number[])[];
const times = (m: Rows, v: readonly number[]): number[] =>
  m.map((row) => row.reduce((sum, value, i) => sum + value * v[i], 0));

/** Solves m·x = v by Cramer's rule. */
function solve(m: Rows, v: readonly number[]): number[] {
  const det = ([a, b, c]: Rows): number =>
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0]);
  return [0, 1, 2].map(
    (column) =>
      det(m.map((row, y) => row.map((value, x) => (x === column ? v[y] : value)))) / det(m),
  );
}

const CONES = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];
const D50 = [0.9642, 1, 0.8249];
const SRGB = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
const xyz = (x: number, y: number): number[] => [x / y, 1, (1 - x - y) / y];
const transpose = (m: Rows): number[][] => [0, 1, 2].map((i) => m.map((row) => row[i]));

/** XYZ with the white D50 of linear light of these primaries. */
function connect(
  [wx, wy, rx, ry, gx, gy, bx, by]: readonly number[],
  rgb: readonly number[],
): number[] {
  const primaries = transpose([xyz(rx, ry), xyz(gx, gy), xyz(bx, by)]);
  const white = xyz(wx, wy);
  const strengths = solve(primaries, white);
  const own = times(
    primaries,
    rgb.map((value, i) => value * strengths[i]),
  );
  const from = times(CONES, white);
  const to = times(CONES, D50);
  return solve(
    CONES,
    times(CONES, own).map((value, i) => (value * to[i]) / from[i]),
  );
}

/** Linear light of sRGB of XYZ with the white D50. */
function toSrgb(d50: readonly number[]): number[] {
  const unit = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ].map((one) => connect(SRGB, one));
  return solve(transpose(unit), d50);
}

const P3 = [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06];
const CODE_POINTS: Readonly<Record<number, readonly number[]>> = {
  1: SRGB,
  5: [0.3127, 0.329, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06],
  9: [0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046],
  11: [0.314, 0.351, ...P3.slice(2)],
  12: P3,
};
const TRANSFERS: Readonly<Record<number, (value: number) => number>> = {
  4: (value) => value ** 2.2,
  5: (value) => value ** 2.8,
  8: (value) => value,
  13: decode,
};

const LENGTHS: Readonly<Record<string, number>> = { cICP: 4, sRGB: 1, gAMA: 4, cHRM: 32 };
const hasItsLength = ({ type, data }: Chunk): boolean =>
  data.length === (LENGTHS[type] ?? data.length);

/** Returns how the colours are converted, or undefined if they stay. */
function conversionOf(
  find: (type: string) => Buffer | undefined,
  colourType: number,
): Convert | undefined {
  const cicp = find('cICP');
  if (cicp?.[2] === 0) {
    const primaries = CODE_POINTS[cicp[0]];
    const transfer = TRANSFERS[cicp[1]];
    if (cicp[3] !== 1 || !primaries || !transfer || (primaries === SRGB && transfer === decode))
      return undefined;
    return (rgb) => toSrgb(connect(primaries, rgb.map(transfer)));
  }
  const iccp = find('iCCP');
  const profile = iccp && profileOf(iccp);
  const byProfile = profile && profileConversion(profile, colourType === 0 || colourType === 4);
  if (byProfile !== undefined) return byProfile === 'srgb' ? undefined : byProfile;
  const srgb = find('sRGB');
  if (srgb && srgb[0] < 4) return undefined;
  const gama = find('gAMA');
  const gamma = gama ? gama.readUInt32BE(0) / 100000 : 0;
  if (gamma === 0) return undefined;
  const chrm = find('cHRM');
  const primaries = chrm
    ? [0, 1, 2, 3, 4, 5, 6, 7].map((i) => chrm.readUInt32BE(4 * i) / 100000)
    : [];
  const isFlat = new Set(primaries).size < 3;
  if (isFlat && gamma === 0.45455) return undefined;
  return (rgb) => {
    const light = rgb.map((value) => value ** (1 / gamma));
    return isFlat ? light : toSrgb(connect(primaries, light));
  };
}

function profileOf(iccp: Buffer): Buffer | undefined {
  try {
    return inflateSync(iccp.subarray(iccp.indexOf(0) + 2), { maxOutputLength: 2 ** 20 });
  } catch {
    return undefined;
  }
}

function profileConversion(profile: Buffer, isGrey: boolean): Convert | 'srgb' | undefined {
  if (profile.length < 132) return undefined;
  if (profile.toString('latin1', 16, 20) !== (isGrey ? 'GRAY' : 'RGB ')) return undefined;
  const tags = new Map<string, Buffer>();
  for (let n = 0; n < profile.readUInt32BE(128); n++) {
    const at = 132 + 12 * n;
    const start = profile.readUInt32BE(at + 4);
    const tag = profile.subarray(start, start + profile.readUInt32BE(at + 8));
    tags.set(profile.toString('latin1', at, at + 4), tag);
  }
  const curve = tags.get(isGrey ? 'kTRC' : 'rTRC');
  if (curve === undefined) return undefined;
  const light = (value: number): number => {
    if (curve.toString('latin1', 0, 4) === 'para') return decode(value);
    const count = curve.readUInt32BE(8);
    if (count === 1) return value ** (curve.readUInt16BE(12) / 256);
    const at = value * (count - 1);
    const point = (i: number): number =>
      curve.readUInt16BE(12 + 2 * Math.min(i, count - 1)) / 65535;
    return point(Math.floor(at)) * (1 - (at % 1)) + point(Math.floor(at) + 1) * (at % 1);
  };
  if (isGrey) return (rgb) => rgb.map(light);
  const columns = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) =>
    [8, 12, 16].map((at) => (tags.get(name) as Buffer).readInt32BE(at) / 65536),
  );
  const isSrgb =
    Math.abs(columns[0][0] - 0.43607) < 1e-4 && curve.toString('latin1', 0, 4) === 'para';
  return isSrgb ? 'srgb' : (rgb) => toSrgb(times(transpose(columns), rgb.map(light)));
}

/** Reads the orientation of a TIFF structure with one entry. */
function orientationOf(exif: Buffer | undefined): number {
  if (exif?.length !== 26) return 1;
  const isLittle = exif[0] === 0x49;
  const value = isLittle ? exif.readUInt16LE(18) : exif.readUInt16BE(18);
  return value >= 1 && value <= 8 ? value : 1;
}

/** Turns the pixels: where each pixel of the shown picture comes from. */
function turn(
  pixels: readonly (readonly number[])[],
  width: number,
  height: number,
  orientation: number,
): Omit<OwnPicture, 'isConverted'> {
  const shown = orientation < 5 ? { width, height } : { width: height, height: width };
  const [right, bottom] = [width - 1, height - 1];
  const from = (x: number, y: number): readonly [number, number] =>
    (
      ({
        2: [right - x, y],
        3: [right - x, bottom - y],
        4: [x, bottom - y],
        5: [y, x],
        6: [y, bottom - x],
        7: [right - y, bottom - x],
        8: [right - y, x],
      }) as Readonly<Record<number, readonly [number, number]>>
    )[orientation] ?? [x, y];
  const data: number[] = [];
  for (let y = 0; y < shown.height; y++) {
    for (let x = 0; x < shown.width; x++) {
      const [fromX, fromY] = from(x, y);
      data.push(...pixels[fromY * width + fromX]);
    }
  }
  return { ...shown, data: Uint8Array.from(data) };
}
