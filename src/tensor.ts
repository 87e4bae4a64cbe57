import { allocateFloats } from './allocate.ts';
import { checkLive, describe, kindOf } from './checks.ts';
import { expected, type TaesdError } from './errors.ts';

export { describe, isDetached } from './checks.ts';

/**
 * Numbers and their shape, nothing else. Pictures and latents are [N, C, height, width], row-major,
 * so element (n, c, y, x) lies at `((n·C + c)·height + y)·width + x`, as in PyTorch.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** NumPy allows 64 dimensions, PyTorch 64; nothing real has more than a handful. */
export const MAX_RANK = 64;

/** A shape as people write it, for messages: `[64,4,3,3]`. What is no number is described, the 65th size left out. */
export function shapeText(shape: readonly unknown[]): string {
  const more = shape.length > MAX_RANK ? ',…' : '';
  return `[${Array.from(shape.slice(0, MAX_RANK), describe)}${more}]`;
}

/** The number of elements of a shape; `Infinity`, never a rounded number, past 2⁵³. */
export function elementCount(shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  return count <= Number.MAX_SAFE_INTEGER ? count : Infinity;
}

/**
 * A tensor of zeros.
 *
 * @throws TaesdError OOM where there is no room for it
 */
export function zeros(shape: readonly number[]): Tensor {
  return { shape, data: allocateFloats(shapeText(shape), elementCount(shape)) };
}

/** The pictures [1, C, H, W] of a batch [N, C, H, W], as views. */
export function picturesOf({ shape, data }: Tensor): Tensor[] {
  const [batch, ...chw] = shape;
  const count = elementCount(chw);
  return Array.from({ length: batch }, (_, n) => ({
    shape: [1, ...chw],
    data: data.subarray(n * count, (n + 1) * count),
  }));
}

/**
 * Checks that `value` is a tensor of four dimensions, each a whole number ≥ 1, with data to match.
 * A subarray at any offset is fine; the shape is copied, the data is not.
 *
 * @throws TaesdError ARG (not a tensor, detached data), SHAPE (wrong rank or sizes, data too long or short)
 */
export function checkTensor4d(what: string, value: unknown): Tensor {
  const { shape, data } = (value ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape) || !(data instanceof Float32Array)) {
    throw notTensor(what, value);
  }
  checkLive(what, data);
  // Copied first, so that holes become undefined, which `every` would have passed over, and nothing changes later.
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

/** The error for what is no tensor; of a shape and data it tells the one of the wrong type. */
export function notTensor(what: string, value: unknown): TaesdError {
  const rule = 'a tensor { shape, data: Float32Array }';
  const hint = hasKey(value, 'latents') ? 'pass its .latents' : undefined;
  return expected('ARG', what, rule, notTensorText(value), { hint });
}

/** `{ shape, data: Float64Array }` */
function notTensorText(value: unknown): string {
  if (!hasKey(value, 'shape') || !hasKey(value, 'data')) return describe(value);
  const { shape, data } = value as { shape: unknown; data: unknown };
  const shapeType = Array.isArray(shape) ? '' : `: ${typeText(shape)}`;
  const dataType = data instanceof Float32Array ? '' : `: ${typeText(data)}`;
  return `{ shape${shapeType}, data${dataType} }`;
}

const typeText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? kindOf(value) : describe(value);

/** The index of the first NaN or infinity, or −1. */
export function firstNonFinite(data: Float32Array): number {
  // x − x is 0 for every finite x and NaN otherwise: one pass without a branch finds the usual case.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] - data[i];
  return sum === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}
