import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { field, havoc, oddNumber, spliced } from './havoc.ts';
import type { Random } from './random.ts';

/*
 * PNG files as lists of chunks, taken apart without any check, changed and put together.
 */

export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Added to the right CRC or the right length. */
  readonly crcError?: number;
  readonly lengthError?: number;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const MAX_SCANLINES = 2 ** 20;

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

/** Returns the chunks of a file; undefined if it does not begin as a PNG file. */
export function chunksOf(bytes: Uint8Array): Chunk[] | undefined {
  if (bytes.length < 20 || bytes[1] !== 0x50) return undefined;
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = Math.min(uint32(bytes, at), bytes.length - at - 12);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Puts a file together, with right lengths and checksums unless a chunk has errors. */
export function fileOf(chunks: readonly Chunk[]): Uint8Array {
  const size = chunks.reduce((sum, { data }) => sum + 12 + data.length, 8);
  const file = new Uint8Array(size);
  file.set(SIGNATURE);
  let at = 8;
  for (const { type, data, crcError = 0, lengthError = 0 } of chunks) {
    file.set(field(Math.max(0, data.length + lengthError), 4, false), at);
    for (let i = 0; i < 4; i++) file[at + 4 + i] = type.charCodeAt(i);
    file.set(data, at + 8);
    const crc = crc32(file.subarray(at + 4, at + 8 + data.length));
    file.set(field((crc + crcError) >>> 0, 4, false), at + 8 + data.length);
    at += 12 + data.length;
  }
  return file;
}

const TYPES = [
  ...['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'cICP', 'eXIf'],
  ...['tEXt', 'zTXt', 'iTXt', 'acTL', 'fcTL', 'fdAT', 'bKGD', 'pHYs', 'sBIT', 'ABCD', 'abcd'],
  ...['CgBI', 'tEXT', 'mDCv', 'cLLi'],
];

/** Changes a file chunk by chunk, or its bytes. */
export function mutatePng(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const chunks = random.oneIn(12) ? undefined : chunksOf(input);
  if (chunks === undefined || chunks.length === 0) return havoc(random, input, { other });
  const others = chunksOf(other) ?? chunks;
  for (let n = random.small(5); n >= 0; n--) change(random, chunks, others);
  if (!random.oneIn(64)) limitSize(random, chunks);
  const file = fileOf(chunks);
  return random.oneIn(20) ? file.subarray(0, random.below(file.length)) : file;
}

function change(random: Random, chunks: Chunk[], others: readonly Chunk[]): void {
  if (chunks.length === 0) return;
  const at = random.below(chunks.length);
  const one = chunks[at];
  switch (random.below(14)) {
    case 0:
      chunks.splice(at, 1);
      return;
    case 1:
      chunks.splice(random.below(chunks.length), 0, one);
      return;
    case 2:
    case 3:
      if (others.length > 0) chunks.splice(at, 0, random.pick(others));
      return;
    case 4:
      chunks[at] = { ...one, type: random.pick(TYPES) };
      return;
    case 5:
      // Most files with such an error are refused, and for that reason alone.
      if (!random.oneIn(2)) return;
      chunks[at] = random.oneIn(2)
        ? { ...one, crcError: 1 + random.below(2 ** 31) }
        : { ...one, lengthError: oddNumber(random) };
      return;
    case 6:
    case 7:
      chunks[at] = { ...one, data: havoc(random, one.data) };
      return;
    case 8:
    case 9:
      changeHeader(random, chunks);
      return;
    case 10: {
      const cut = random.below(one.data.length + 1);
      const [front, back] = [one.data.subarray(0, cut), one.data.subarray(cut)];
      chunks.splice(at, 1, { ...one, data: front }, { ...one, data: back });
      return;
    }
    case 11:
      chunks.splice(at, 0, { type: random.pick(TYPES), data: random.bytes(random.small(80)) });
      return;
    default:
      changePixels(random, chunks);
  }
}

/** A picture of more pixels takes longer than a hundred small ones, and shows no more. */
const MAX_PIXELS = 4096;

/** Makes a picture small that readers might accept. */
function limitSize(random: Random, chunks: Chunk[]): void {
  const at = chunks.findIndex(({ type }) => type === 'IHDR');
  if (at < 0 || chunks[at].data.length < 13) return;
  const [width, height] = [0, 4].map((offset) => uint32(chunks[at].data, offset));
  if (width * height <= MAX_PIXELS || width * height > 2 ** 22) return;
  const data = chunks[at].data.slice();
  data.set(field(1 + random.below(32), 4, false), 0);
  data.set(field(1 + random.below(32), 4, false), 4);
  chunks[at] = { ...chunks[at], data };
}

/** Changes a field of IHDR, mostly so that readers accept it. */
function changeHeader(random: Random, chunks: Chunk[]): void {
  const at = chunks.findIndex(({ type }) => type === 'IHDR');
  if (at < 0 || chunks[at].data.length < 13) return;
  const data = chunks[at].data.slice();
  switch (random.below(5)) {
    case 0:
    case 1: {
      const size = random.oneIn(4) ? oddNumber(random) : random.small(40);
      data.set(field(size, 4, false), random.pick([0, 4]));
      break;
    }
    case 2:
      data[8] = random.pick([1, 2, 4, 8, 16, 8, random.below(256)]);
      break;
    case 3:
      data[9] = random.pick([0, 2, 3, 4, 6, random.below(256)]);
      break;
    default:
      data[12] ^= 1;
  }
  chunks[at] = { ...chunks[at], data };
}

/** Inflates the pixels or a profile, changes them and compresses them again. */
function changePixels(random: Random, chunks: Chunk[]): void {
  const compressed = chunks.flatMap(({ type }, i) =>
    ['IDAT', 'fdAT', 'iCCP'].includes(type) ? [i] : [],
  );
  if (compressed.length === 0) return;
  const at = random.pick(compressed);
  const { type, data } = chunks[at];
  const skipped = type === 'IDAT' ? 0 : type === 'fdAT' ? 4 : data.indexOf(0) + 2;
  let plain: Uint8Array;
  try {
    plain = inflateSync(data.subarray(skipped), { maxOutputLength: MAX_SCANLINES });
  } catch {
    return;
  }
  const changed = havoc(random, plain);
  const packed = deflateSync(changed, { level: random.below(10), strategy: random.below(5) });
  const sum = random.oneIn(30) ? random.bytes(4) : undefined;
  const stream = sum === undefined ? packed : spliced(packed, packed.length - 4, 4, sum);
  chunks[at] = { type, data: spliced(data, skipped, data.length, new Uint8Array(stream)) };
}

/** Yields files without some chunks, then with shorter ones. */
export function* smallerPng(input: Uint8Array): Generator<Uint8Array> {
  const chunks = chunksOf(input) ?? [];
  for (const i of chunks.keys()) yield fileOf(chunks.toSpliced(i, 1));
  for (const [i, one] of chunks.entries()) {
    for (let length = one.data.length >> 1; length >= 1; length >>= 1) {
      for (let at = 0; at + length <= one.data.length; at += length) {
        const data = spliced(one.data, at, length, new Uint8Array(0));
        yield fileOf(chunks.with(i, { ...one, data }));
      }
    }
  }
  for (let length = input.length >> 1; length > 0; length >>= 1) {
    yield input.subarray(0, input.length - length);
  }
}
