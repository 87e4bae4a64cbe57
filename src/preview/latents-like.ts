import { checkLive, describe, kindOf } from '../checks.ts';
import { expected, type TaesdError } from '../errors.ts';
import { f16BytesToF32 } from '../numbers/half.ts';
import { elementCount, MAX_RANK, shapeText, type Tensor } from '../tensor.ts';

/*
 * Latents in the tensors of other libraries. onnxruntime and transformers.js name the sizes `dims`,
 * TensorFlow.js and most others `shape`. Numbers on a GPU have to be read back.
 */

/** A tensor [N, C, h, w] or [C, h, w] of any library. It is not written to. */
export interface LatentsLike {
  /**
   * The numbers, row-major: f32, f64, f16 (as numbers, or as bits in a Uint16Array) or a plain
   * array; or, as in TensorFlow.js, a function that reads them. The type is `unknown` because the
   * types of libraries allow texts and 64-bit integers too.
   */
  readonly data: unknown;
  /** The sizes, [N, C, h, w] or [C, h, w]. */
  readonly dims?: ArrayLike<number | bigint> | undefined;
  /** The sizes under another name. It counts if both are given. */
  readonly shape?: ArrayLike<number | bigint> | undefined;
  /** The numbers' memory, in onnxruntime. `getData` is called if it is not `cpu`. */
  readonly location?: string | undefined;
  /** Reads the numbers, in onnxruntime. */
  getData?(): Promise<unknown>;
}

const RULE = 'a tensor with data, and dims or shape [N,C,h,w]';

/**
 * Copies one of a batch's latents.
 *
 * @param pick  the index in the batch
 * @returns f32 [1, C, h, w]; a promise if the numbers have to be read from a GPU. It rejects with
 *   the errors below, and with errors of that reading.
 * @throws TaesdError ARG (not such a tensor, numbers of another type), SHAPE (other dimensions, the
 *   wrong count of numbers, a smaller batch)
 */
export function copyLatents(value: LatentsLike, pick: number): Tensor | Promise<Tensor> {
  const shape = batched(sizesOf('latents', value));
  const [batch, ...chw] = shape;
  if (pick >= batch) {
    const rule = `a batch of at least ${pick + 1}, for pick ${pick}`;
    throw expected('SHAPE', 'latents', rule, shapeText(shape));
  }
  const count = elementCount(chw);
  return whenRead(numbersOf(value), (data) => {
    checkCount('latents', data, shape);
    const copy = floatsOf('latents', data, pick * count, (pick + 1) * count);
    return { shape: [1, ...chw], data: copy };
  });
}

/**
 * Copies a whole tensor of any dimensions.
 *
 * @param what  its name, for errors
 * @returns f32 of its own shape; a promise as with {@link copyLatents}
 * @throws TaesdError ARG, SHAPE (as {@link copyLatents})
 */
export function copyWhole(what: string, value: LatentsLike): Tensor | Promise<Tensor> {
  const shape = shapeOf(what, value);
  return whenRead(numbersOf(value), (data) => {
    checkCount(what, data, shape);
    return { shape, data: floatsOf(what, data, 0, elementCount(shape)) };
  });
}

/** Returns a tensor's own shape. Reads no numbers. @throws TaesdError ARG, SHAPE */
export const shapeOf = (what: string, value: LatentsLike): number[] =>
  checkSizes(what, sizesOf(what, value), 'a shape of sizes, each at least 1');

/** Uses a value at once, or after it was read from a GPU. */
export function whenRead<In, Out>(
  value: In | Promise<In>,
  use: (value: In) => Out | Promise<Out>,
): Out | Promise<Out> {
  return isPromise(value) ? Promise.resolve(value as Promise<In>).then(use) : use(value as In);
}

/** Returns the sizes as the tensor states them, whatever they are. */
function sizesOf(what: string, value: LatentsLike): unknown[] {
  if (typeof value !== 'object' || value === null) {
    throw expected('ARG', what, RULE, describe(value));
  }
  const { dims, shape = dims } = value;
  const isList = typeof shape === 'object' && shape !== null && typeof shape.length === 'number';
  if (!isList) throw expected('ARG', what, RULE, `dims ${describe(shape)}`);
  // Some runtimes have 64-bit sizes.
  return Array.from(shape, (size) => (typeof size === 'bigint' ? Number(size) : size));
}

/** Returns [N, C, h, w] for itself and for [C, h, w]. */
function batched(sizes: unknown[]): number[] {
  const rule = 'shape [N,C,h,w] or [C,h,w], each at least 1';
  const four = sizes.length === 3 ? [1, ...sizes] : sizes;
  if (four.length !== 4) throw expected('SHAPE', 'latents', rule, shapeText(sizes));
  checkSizes('latents', sizes, rule);
  return four as number[];
}

function checkSizes(what: string, sizes: unknown[], rule: string): number[] {
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) > 0;
  if (sizes.length > 0 && sizes.length <= MAX_RANK && sizes.every(isSize)) return sizes as number[];
  throw expected('SHAPE', what, rule, shapeText(sizes));
}

/** Returns the numbers, or a promise if they are on a GPU. */
function numbersOf(value: LatentsLike): unknown {
  // `location` is read first, because onnxruntime's `data` throws if the numbers are on a GPU.
  const { location } = value;
  if (location !== undefined && location !== 'cpu' && typeof value.getData === 'function') {
    return value.getData();
  }
  const { data } = value;
  return typeof data === 'function' ? data.call(value) : data;
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | undefined)?.then === 'function';

function checkCount(what: string, data: unknown, shape: readonly number[]): void {
  if (ArrayBuffer.isView(data)) checkLive(what, data);
  const { length } = (data ?? {}) as { length?: unknown };
  const count = elementCount(shape);
  if (typeof length === 'number' && length !== count) {
    throw expected('SHAPE', what, `${count} numbers for shape ${shapeText(shape)}`, `${length}`);
  }
}

/** Copies the numbers from `first` up to but not including `end`. */
function floatsOf(what: string, data: unknown, first: number, end: number): Float32Array {
  if (data instanceof Float32Array) return data.slice(first, end);
  if (data instanceof Float64Array || isFloat16Array(data)) {
    return Float32Array.from(data.subarray(first, end));
  }
  if (data instanceof Uint16Array) {
    const { buffer, byteOffset, byteLength } = data.subarray(first, end);
    return f16BytesToF32(new Uint8Array(buffer, byteOffset, byteLength));
  }
  if (Array.isArray(data)) {
    const numbers: unknown[] = data.slice(first, end);
    const at = numbers.findIndex((value) => typeof value !== 'number');
    if (at < 0) return Float32Array.from(numbers as number[]);
    const got = `${describe(numbers[at])} at element ${first + at}`;
    throw expected('ARG', what, 'a flat array of numbers', got);
  }
  throw wrongNumbers(what, data);
}

/** Float16Array is newer than Node 20 and than TypeScript's types. */
const isFloat16Array = (data: unknown): data is Float32Array =>
  ArrayBuffer.isView(data) && kindOf(data) === 'Float16Array';

function wrongNumbers(what: string, data: unknown): TaesdError {
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  const hint = isBytes ? '8-bit latents? use dequantizeLatents' : undefined;
  const rule = 'f32, f64 or f16 numbers';
  return expected('ARG', `${what} data`, rule, describe(data), { hint });
}
