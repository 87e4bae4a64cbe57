import { checkLive, describe } from './arguments.ts';
import { expected } from './errors.ts';

export { describe, isDetached } from './arguments.ts';

/**
 * Numbers and their shape, nothing else. Pictures and latents are [N, C, height, width], row-major,
 * so element (n, c, y, x) lies at `((n·C + c)·height + y)·width + x`, as in PyTorch.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A shape as people write it: `[64,4,3,3]`. */
export const shapeText = (shape: readonly number[]): string => `[${shape.join(',')}]`;

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
  try {
    return { shape, data: new Float32Array(elementCount(shape)) };
  } catch (cause) {
    const rule = `${elementCount(shape)} numbers of memory to be free`;
    throw expected('OOM', 'tensor', shapeText(shape), rule, 'less', undefined, { cause });
  }
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

/** Pictures [1, C, H, W] of one shape as a batch [N, C, H, W]. */
export function stack(pictures: readonly Tensor[]): Tensor {
  if (pictures.length === 1) return pictures[0];
  const [, ...chw] = pictures[0].shape;
  const batch = zeros([pictures.length, ...chw]);
  for (const [n, { data }] of pictures.entries()) batch.data.set(data, n * data.length);
  return batch;
}

/**
 * Checks that `value` is a tensor of four dimensions, each a whole number ≥ 1, with data to match.
 * A subarray at any offset is fine; nothing is copied.
 *
 * @throws TaesdError ARG (not a tensor, detached data), SHAPE (wrong rank or sizes, data too long or short)
 */
export function checkTensor4d(where: string, what: string, value: unknown): Tensor {
  const { shape, data } = (value ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape) || !(data instanceof Float32Array)) {
    throw expected('ARG', where, what, 'a tensor { shape, data: Float32Array }', describe(value));
  }
  checkLive(where, what, data);
  if (shape.length !== 4 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    const hint = shape.length === 3 ? 'add the batch dimension: [1,C,H,W]' : undefined;
    throw expected(
      'SHAPE',
      where,
      what,
      'shape [N,C,H,W], each at least 1',
      shapeText(shape),
      hint,
    );
  }
  if (elementCount(shape) !== data.length) {
    const rule = `${elementCount(shape)} elements for shape ${shapeText(shape)}`;
    throw expected('SHAPE', where, what, rule, `${data.length}`);
  }
  return { shape, data };
}

/** The index of the first NaN or infinity, or −1. */
export function firstNonFinite(data: Float32Array): number {
  // x − x is 0 for every finite x and NaN otherwise: one pass without a branch finds the usual case.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] - data[i];
  return sum === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}
