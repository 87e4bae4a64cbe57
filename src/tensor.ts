import { allocateFloats } from './allocate.ts';
import { isFloats } from './builtins/tags.ts';
import { checkLive, describe, kindOf } from './checks.ts';
import { expected, type TaesdError } from './errors.ts';

/**
 * Numbers and their shape. Pictures and latents have the shape [N, C, height, width]. The numbers
 * are row-major as in PyTorch: element (n, c, y, x) lies at `((n·C + c)·height + y)·width + x`.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The maximum number of dimensions of a tensor, as in NumPy and PyTorch. Real ones have fewer. */
export const MAX_RANK = 64;

/**
 * Writes a shape for messages: `[64,4,3,3]`. Values other than numbers are described. Sizes after
 * the 64th are left out.
 */
export function shapeText(shape: readonly unknown[]): string {
  const more = shape.length > MAX_RANK ? ',…' : '';
  return `[${Array.from(shape.slice(0, MAX_RANK), describe)}${more}]`;
}

/** Returns the number of elements of a shape: `Infinity`, not a rounded number, from 2⁵³ on. */
export function elementCount(shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  return count <= Number.MAX_SAFE_INTEGER ? count : Infinity;
}

/** Returns a new tensor of zeros. @throws TaesdError OOM */
export function zeros(shape: readonly number[]): Tensor {
  return { shape, data: allocateFloats(shapeText(shape), elementCount(shape)) };
}

/** Returns the pictures [1, C, H, W] of a batch [N, C, H, W] as views of its data. */
export function picturesOf({ shape, data }: Tensor): Tensor[] {
  const [batch, ...chw] = shape;
  const count = elementCount(chw);
  return Array.from({ length: batch }, (_, n) => ({
    shape: [1, ...chw],
    data: data.subarray(n * count, (n + 1) * count),
  }));
}

/**
 * Checks that `value` is a tensor of four dimensions, each a whole number ≥ 1, whose data has as
 * many elements. The data may be a subarray at any offset.
 *
 * @returns a tensor with a copy of the shape and the given data
 * @throws TaesdError ARG (not a tensor, detached data), SHAPE (wrong rank, size or data length)
 */
export function checkTensor4d(what: string, value: unknown): Tensor {
  const { shape, data } = (value ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape) || !isFloats(data)) {
    throw notTensor(what, value);
  }
  checkLive(what, data);
  // The copy turns holes, which `every` would skip, into undefined. The caller cannot change it.
  const sizes: number[] = Array.from(shape.slice(0, MAX_RANK + 1));
  if (sizes.length !== 4 || !sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    const hint = sizes.length === 3 ? 'add the batch dimension: [1,C,H,W]' : undefined;
    const rule = 'shape [N,C,H,W], each at least 1';
    throw expected('SHAPE', what, rule, shapeText(sizes), { hint });
  }
  if (elementCount(sizes) !== data.length) {
    const rule = `${elementCount(sizes)} elements for shape ${shapeText(sizes)}`;
    throw expected('SHAPE', what, rule, `${data.length}`);
  }
  return { shape: sizes, data };
}

const hasKey = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && key in value;

/** Makes the error for a value that is not a tensor. It names a wrong type of `shape` or `data`. */
export function notTensor(what: string, value: unknown): TaesdError {
  const rule = 'a tensor { shape, data: Float32Array }';
  const hint = hasKey(value, 'latents') ? 'pass its .latents' : undefined;
  return expected('ARG', what, rule, notTensorText(value), { hint });
}

/** Describes such a value: `{ shape, data: Float64Array }`. */
function notTensorText(value: unknown): string {
  if (!hasKey(value, 'shape') || !hasKey(value, 'data')) return describe(value);
  const { shape, data } = value as { shape: unknown; data: unknown };
  const shapeType = Array.isArray(shape) ? '' : `: ${typeText(shape)}`;
  const dataType = isFloats(data) ? '' : `: ${typeText(data)}`;
  return `{ shape${shapeType}, data${dataType} }`;
}

const typeText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? kindOf(value) : describe(value);

/** Returns the index of the first NaN or infinity, or −1. */
export function firstNonFinite(data: Float32Array): number {
  // x − x is 0 for finite x and NaN otherwise: usually one pass without a branch is enough.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] - data[i];
  return sum === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

/** Describes the first NaN or infinity for a message: `NaN at element 5`; undefined if none is. */
export function nonFiniteText(data: Float32Array): string | undefined {
  const index = firstNonFinite(data);
  return index < 0 ? undefined : `${data[index]} at element ${index}`;
}

/** @throws TaesdError SHAPE (an index past the batch) */
export function checkPick(what: string, pick: number, shape: readonly number[]): void {
  if (pick < shape[0]) return;
  const rule = `a batch of at least ${pick + 1}, for pick ${pick}`;
  throw expected('SHAPE', what, rule, shapeText(shape));
}
