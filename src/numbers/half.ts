import { allocateFloats } from '../allocate.ts';
import { expected } from '../errors.ts';

/*
 * Conversion of 16-bit floats to 32-bit floats. Every value of both 16-bit types is a float32, so
 * nothing is rounded.
 *
 *            sign  exponent  fraction   bias
 *   f16         1         5        10     15     IEEE 754 binary16
 *   bf16        1         8         7    127     the upper half of a float32
 *   f32         1         8        23    127
 *
 * Sources: IEEE 754-2019 §3.4 (binary16);
 * https://en.wikipedia.org/wiki/Bfloat16_floating-point_format
 */

/**
 * 2 to the difference of the biases, 127 − 15 = 112. The fraction and exponent of an f16, moved to
 * their bits of a float32, read as 2⁻¹¹² times the right value, subnormals included. The product is
 * exact.
 */
const REBIAS = 2 ** 112;

/** The factor for a bias of 7. */
const REBIAS_E4M3 = 2 ** 120;

/** Moves the bits of an f16 to those of a float32, before the exponent is corrected. */
const spread = (bits: number): number => ((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13);

/** Infinity and NaN have an exponent of all ones: five in an f16, eight in a float32. */
const isSpecial = (bits: number): boolean => (bits & 0x7c00) === 0x7c00;

/**
 * Widens little-endian IEEE half floats, at any alignment, to a new array of `bytes.length / 2`
 * values.
 *
 * @throws TaesdError ARG (an odd number of bytes), OOM
 */
export function f16BytesToF32(bytes: Uint8Array): Float32Array {
  const values = valuesFor(bytes);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    words[i] = spread(bits);
    if (isSpecial(bits)) words[i] |= 0x7f800000;
    else values[i] *= REBIAS;
  }
  return values;
}

/**
 * Widens little-endian bfloat16 values, at any alignment, to a new array of `bytes.length / 2`
 * values.
 *
 * @throws TaesdError ARG (an odd number of bytes), OOM
 */
export function bf16BytesToF32(bytes: Uint8Array): Float32Array {
  const values = valuesFor(bytes);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < words.length; i++) {
    words[i] = (bytes[2 * i] << 16) | (bytes[2 * i + 1] << 24);
  }
  return values;
}

/**
 * Widens 8-bit floats to a new array. E5M2 is the upper byte of an f16. E4M3 ("FN") has a bias of
 * 7, no infinity, and NaN where all bits but the sign are 1.
 *
 * @throws TaesdError OOM
 * Source: https://arxiv.org/abs/2209.05433
 */
export function f8BytesToF32(dtype: string, bytes: Uint8Array): Float32Array {
  const isE4M3 = dtype === 'F8_E4M3';
  const values = allocateFloats('values', bytes.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    const bits = isE4M3 ? ((bytes[i] & 0x80) << 8) | ((bytes[i] & 0x7f) << 7) : bytes[i] << 8;
    words[i] = spread(bits);
    if (isE4M3 ? (bytes[i] & 0x7f) === 0x7f : isSpecial(bits)) words[i] |= 0x7f800000;
    else values[i] *= isE4M3 ? REBIAS_E4M3 : REBIAS;
  }
  return values;
}

/** Allocates a number for every two bytes. */
function valuesFor(bytes: Uint8Array): Float32Array {
  if (bytes.length % 2 !== 0) {
    throw expected('ARG', 'bytes', 'an even number of bytes', `${bytes.length}`);
  }
  return allocateFloats('values', bytes.length / 2);
}
