import { allocate } from '../allocate.ts';

/*
 * Conversion of 32-bit floats to the bytes of files, little-endian. Numbers between two values of a
 * 16-bit type are rounded to the nearest, ties to even. half.ts has the layout of the types.
 */

/** The types that can be written. */
export type NarrowType = 'F32' | 'F16' | 'BF16';

/**
 * Returns the bytes of numbers.
 *
 * @throws TaesdError OOM
 */
export function narrowTo(dtype: NarrowType, data: Float32Array): Uint8Array<ArrayBuffer> {
  const size = dtype === 'F32' ? 4 : 2;
  const bytes = allocate('values', 'bytes', () => new Uint8Array(size * data.length));
  const view = new DataView(bytes.buffer);
  const words = wordsOf(data);
  const bitsOf = dtype === 'F16' ? f16Bits : bf16Bits;
  for (let i = 0; i < data.length; i++) {
    if (size === 4) view.setUint32(4 * i, words[i], true);
    else view.setUint16(2 * i, bitsOf(words[i]), true);
  }
  return bytes;
}

/** The bits of the numbers. A Float32Array is aligned to 4 bytes. */
const wordsOf = ({ buffer, byteOffset, length }: Float32Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length);

const isNan = (word: number): boolean => (word & 0x7fffffff) > 0x7f800000;

/** Returns the bits of the nearest bfloat16: the upper half, rounded by the lower one. */
function bf16Bits(word: number): number {
  // Rounding could carry a NaN into infinity. The quiet bit keeps it one.
  if (isNan(word)) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** Returns the bits of the nearest f16; infinity from 65520 on. */
function f16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  if (isNan(word)) return sign | 0x7e00;
  const magnitude = word & 0x7fffffff;
  // 65520, halfway between the largest f16 and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // From 2⁻¹⁴ on: the exponent is rebiased by 127 − 15, and 13 bits are rounded off.
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // Subnormal: a count of 2⁻²⁴. Adding 0.5 in float32, whose last place is then 2⁻²⁴, rounds.
  FLOAT[0] = magnitude === 0 ? 0 : floatOf(magnitude) + 0.5;
  return magnitude === 0 ? sign : sign | (WORD[0] - 0x3f000000);
}

const WORD = new Uint32Array(1);
const FLOAT = new Float32Array(WORD.buffer);

function floatOf(word: number): number {
  WORD[0] = word;
  return FLOAT[0];
}
