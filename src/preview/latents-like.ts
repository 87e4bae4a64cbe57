import { checkLive, describe, kindOf } from '../checks.ts';
import { expected, type TaesdError } from '../errors.ts';
import { f16BytesToF32 } from '../safetensors/half.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';

/*
 * Latents as the tensors of other libraries hold them: onnxruntime and transformers.js say `dims`, TensorFlow.js and most
 * others say `shape`; some have their numbers on a GPU and give them later.
 */

/** A tensor [N, C, h, w] or [C, h, w] of whichever library. It is read and never written to. */
export interface LatentsLike {
  /**
   * The numbers, row-major: f32, f64, f16 (as numbers, or as their bits in a Uint16Array) or a plain array; or, as in
   * TensorFlow.js, the function that fetches them. The types of libraries allow for texts and 64-bit integers too.
   */
  readonly data: unknown;
  readonly dims?: ArrayLike<number | bigint> | undefined;
  /** The same by its other name. */
  readonly shape?: ArrayLike<number | bigint> | undefined;
  /** onnxruntime: where the numbers lie. Unless that is `cpu`, `getData` fetches them. */
  readonly location?: string | undefined;
  getData?(): Promise<unknown>;
}

const RULE = 'a tensor with data, and dims or shape [N,C,h,w]';

/**
 * A copy of one of a batch's latents, [1, C, h, w]: made before this returns, or, where the numbers have to be fetched,
 * once they are there.
 *
 * @param pick  which of the batch
 * @throws TaesdError ARG (not such a tensor, numbers of another type), SHAPE (other dimensions, too few numbers, a
 *   smaller batch); the promise rejects with these, and with what the fetching throws
 */
export function copyLatents(value: LatentsLike, pick: number): Tensor | Promise<Tensor> {
  if (typeof value !== 'object' || value === null) {
    throw expected('ARG', 'latents', RULE, describe(value));
  }
  const shape = shapeOf(value);
  const numbers = fetchedNumbers(value);
  return isPromise(numbers)
    ? Promise.resolve(numbers).then((fetched) => copyOne(fetched, shape, pick))
    : copyOne(numbers, shape, pick);
}

function shapeOf({ dims, shape = dims }: LatentsLike): number[] {
  const isList = typeof shape === 'object' && shape !== null && typeof shape.length === 'number';
  if (!isList) throw expected('ARG', 'latents', RULE, `dims ${describe(shape)}`);
  // Some runtimes count in 64 bits.
  const sizes = Array.from(shape, (size) => (typeof size === 'bigint' ? Number(size) : size));
  const batched = sizes.length === 3 ? [1, ...sizes] : sizes;
  if (batched.length === 4 && batched.every((size) => Number.isSafeInteger(size) && size > 0)) {
    return batched;
  }
  const rule = 'shape [N,C,h,w] or [C,h,w], each at least 1';
  throw expected('SHAPE', 'latents', rule, shapeText(sizes));
}

/** The numbers, or the promise of them where they are not in this memory. */
function fetchedNumbers(value: LatentsLike): unknown {
  // Read first: onnxruntime's `data` throws where the numbers are on a GPU.
  const { location } = value;
  if (location !== undefined && location !== 'cpu' && typeof value.getData === 'function') {
    return value.getData();
  }
  const { data } = value;
  return typeof data === 'function' ? data.call(value) : data;
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | undefined)?.then === 'function';

function copyOne(data: unknown, [batch, ...chw]: readonly number[], pick: number): Tensor {
  if (pick >= batch) {
    const rule = `a batch of more than ${pick}, which "pick" asks for`;
    throw expected('SHAPE', 'latents', rule, shapeText([batch, ...chw]));
  }
  if (ArrayBuffer.isView(data)) checkLive('latents', data);
  const { length } = (data ?? {}) as { length?: unknown };
  const count = elementCount(chw);
  if (typeof length === 'number' && length !== batch * count) {
    const rule = `${batch * count} numbers for shape ${shapeText([batch, ...chw])}`;
    throw expected('SHAPE', 'latents', rule, `${length}`);
  }
  const copy = floatsOf(data, pick * count, (pick + 1) * count);
  return { shape: [1, ...chw], data: copy };
}

/** Numbers `first` up to and without `end`, as a new array. */
function floatsOf(data: unknown, first: number, end: number): Float32Array {
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
    throw expected('ARG', 'latents', 'a flat array of numbers', got);
  }
  throw wrongNumbers(data);
}

/** Newer than the types, and than Node 20, know. */
const isFloat16Array = (data: unknown): data is Float32Array =>
  ArrayBuffer.isView(data) && kindOf(data) === 'Float16Array';

function wrongNumbers(data: unknown): TaesdError {
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  const hint = isBytes ? '8-bit latents? dequantizeLatents' : undefined;
  const rule = 'f32, f64 or f16 numbers';
  return expected('ARG', 'latents data', rule, describe(data), { hint });
}
