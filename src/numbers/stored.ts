import { allocateFloats } from '../allocate.ts';
import { hasOwn } from '../builtins/newer.ts';
import { isUint8Array } from '../builtins/tags.ts';
import { checkLive, describe } from '../checks.ts';
import { expected, onOneLine } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { bf16BytesToF32, f8BytesToF32, f16BytesToF32 } from './half.ts';
import { checkSizes } from './sizes.ts';

/** A tensor as a file stores it. */
export interface StoredTensor {
  /** The element type by its name in safetensors: `F32`, `BF16` … */
  readonly dtype: string;
  /** Sizes, outermost first. `[]` is a single number. A size may be 0. */
  readonly shape: readonly number[];
  /** The elements, row-major, little-endian: a view of the file's bytes at any alignment. */
  readonly bytes: Uint8Array;
}

/** The types that a tensor in memory may have. */
export type FloatType = 'F32' | 'F16' | 'BF16' | 'F64';

/** Bytes of an element of the types that are read as numbers. */
export const FLOAT_BYTES: Readonly<Record<string, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  F64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

/** Returns true for the name of a type that `widen` reads. */
export const isFloatType = (dtype: string): boolean => hasOwn(FLOAT_BYTES, dtype);

/**
 * Copies a stored tensor as float32: F32 unchanged, F16, BF16 and the 8-bit types widened exactly,
 * F64 rounded to the nearest. NaN and infinity pass.
 *
 * @param what  the tensor's name for messages
 * @throws TaesdError UNSUPPORTED (another dtype), SHAPE (shape and bytes disagree), ARG (not a
 *   stored tensor, detached bytes), OOM
 */
export function widen(stored: StoredTensor, what: string): Tensor {
  const { dtype, shape, bytes } = (stored ?? {}) as Partial<StoredTensor>;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !isUint8Array(bytes)) {
    const rule = 'a stored tensor { dtype, shape, bytes: Uint8Array }';
    throw expected('ARG', what, rule, describe(stored));
  }
  if (!isFloatType(dtype)) {
    const rule = `a dtype of ${Object.keys(FLOAT_BYTES).join(', ')}`;
    throw expected('UNSUPPORTED', what, rule, `"${onOneLine(dtype)}"`);
  }
  // A detached view has no bytes and would pass as a tensor of size 0.
  checkLive(what, bytes);
  const { sizes, byteCount } = checkSizes(what, shape, FLOAT_BYTES[dtype]);
  if (byteCount !== bytes.length) {
    const rule = `${byteCount} bytes for ${dtype} ${shapeText(sizes)}`;
    throw expected('SHAPE', what, rule, `${bytes.length}`);
  }
  return { shape: sizes, data: bytesToF32(dtype, bytes) };
}

/** Reads little-endian numbers of one of these types, at any alignment, as float32. */
export function bytesToF32(dtype: string, bytes: Uint8Array): Float32Array {
  if (dtype === 'F16') return f16BytesToF32(bytes);
  if (dtype === 'BF16') return bf16BytesToF32(bytes);
  if (dtype.startsWith('F8')) return f8BytesToF32(dtype, bytes);
  // A DataView, because bytes may lie at any address and the machine may be big-endian.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = FLOAT_BYTES[dtype];
  const values = allocateFloats('values', bytes.length / size);
  for (let i = 0; i < values.length; i++) {
    values[i] = size === 8 ? view.getFloat64(8 * i, true) : view.getFloat32(4 * i, true);
  }
  return values;
}
