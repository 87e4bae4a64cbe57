import type { StoredTensor } from '../numbers/stored.ts';

/** A key of a dict. Python's other keys (tuples, booleans, fractions) are refused. */
export type TorchKey = string | number;

/**
 * A value of a file: a dict as a Map in the file's order, a list or a tuple as an array, a number
 * past 2⁵³ as a bigint, None as null, or a tensor.
 */
export type TorchValue =
  | ReadonlyMap<TorchKey, TorchValue>
  | readonly TorchValue[]
  | TorchTensor
  | string
  | number
  | bigint
  | boolean
  | null;

/**
 * A tensor of a file. Its element (i, j, …) is number `offset + i·strides[0] + j·strides[1] + …` of
 * its storage.
 */
export interface TorchTensor {
  /** The element type by its name in safetensors: `F32`, `BF16` … */
  readonly dtype: string;
  /** Sizes, outermost first. `[]` is a single number. A size may be 0. */
  readonly shape: readonly number[];
  /** The distance of neighbours along each axis, in elements. 0 repeats one element. */
  readonly strides: readonly number[];
  /** The place of the first element in its storage, in elements. */
  readonly offset: number;
  /**
   * Returns the elements, row-major: a view of the file if they lie so there, otherwise a copy.
   * NaN and infinity pass.
   *
   * @throws TaesdError UNSUPPORTED (not F16, BF16, F32 or F64), INTEGRITY (a wrong checksum),
   *   LIMIT, TRUNCATED or FORMAT (a damaged deflated entry), OOM
   */
  read(): StoredTensor;
}

/** The content of a file. */
export interface TorchFile {
  /** The value that was saved: a tensor, or a dict or a list of values. It never holds itself. */
  readonly root: TorchValue;
}

/** Returns true for a tensor. */
export const isTorchTensor = (value: TorchValue): value is TorchTensor =>
  typeof value === 'object' && value !== null && 'strides' in value;
