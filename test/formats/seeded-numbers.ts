import { seededRandom } from '../random.ts';

/*
 * Seeded numbers as files store them. The rounding is done in float64 arithmetic and not by
 * src/numbers/, so that an error there shows.
 */

/** A float type of files, by its name in safetensors. */
export type FloatType = 'F32' | 'F16' | 'BF16' | 'F64';

/** Numbers as a file holds them. */
export interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** Seeded numbers, as a file holds them and as a reader must return them. */
export interface Numbers extends Stored {
  readonly dtype: FloatType;
  /** The stored numbers as float32: exact, and rounded once where the type is F64. */
  readonly values: Float32Array;
}

/** Bits of the fraction, and the smallest exponent of normal numbers. */
const SMALL_TYPES = { F16: { fraction: 10, low: -14 }, BF16: { fraction: 7, low: -126 } } as const;

const sizeOf = (dtype: FloatType): number => ({ F64: 8, F32: 4, F16: 2, BF16: 2 })[dtype];

export const productOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Returns numbers in [−magnitude, magnitude) before they are rounded to a type. */
export function unrounded(shape: readonly number[], seed: number, magnitude = 2): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: productOf(shape) }, () => (2 * random() - 1) * magnitude);
}

/** Returns numbers in [−magnitude, magnitude), rounded to a type. */
export const seededNumbers = (
  dtype: FloatType,
  shape: readonly number[],
  seed: number,
  magnitude = 2,
): Numbers => roundedNumbers(dtype, shape, unrounded(shape, seed, magnitude));

/** Returns given numbers, rounded to a type. */
export function roundedNumbers(
  dtype: FloatType,
  shape: readonly number[],
  numbers: ArrayLike<number>,
): Numbers {
  const size = sizeOf(dtype);
  const bytes = new Uint8Array(size * numbers.length);
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(numbers.length);
  for (let i = 0; i < values.length; i++) {
    values[i] = numbers[i];
    if (dtype === 'F64') view.setFloat64(8 * i, numbers[i], true);
    else if (dtype === 'F32') view.setFloat32(4 * i, numbers[i], true);
    else {
      const { bits, value } = rounded(dtype, numbers[i]);
      view.setUint16(2 * i, bits, true);
      values[i] = value;
    }
  }
  return { dtype, shape, bytes, values };
}

/** Rounds a number within the range of a 16-bit type to the nearest, ties to even. */
function rounded(dtype: 'F16' | 'BF16', number: number): { bits: number; value: number } {
  const { fraction, low } = SMALL_TYPES[dtype];
  const size = Math.abs(number);
  const exponent = Math.max(size === 0 ? low : Math.floor(Math.log2(size)), low);
  const step = 2 ** (exponent - fraction);
  const count = nearestEven(size / step);
  // A count below 2^fraction is subnormal; one of 2^(fraction + 1) carries into the exponent.
  const bits = count + (exponent - low) * 2 ** fraction;
  const sign = number < 0 ? 0x8000 : 0;
  return { bits: sign | bits, value: Math.sign(number) * count * step };
}

function nearestEven(number: number): number {
  const below = Math.floor(number);
  const rest = number - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** Returns integers as numpy's `int64` or `int32`. */
export function integers(dtype: 'I64' | 'I32', numbers: readonly number[]): Stored {
  const size = dtype === 'I64' ? 8 : 4;
  const bytes = new Uint8Array(size * numbers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, number] of numbers.entries()) {
    if (dtype === 'I64') view.setBigInt64(8 * i, BigInt(number), true);
    else view.setInt32(4 * i, number, true);
  }
  return { dtype, shape: [numbers.length], bytes };
}
