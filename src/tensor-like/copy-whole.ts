import { MAX_RANK, type Tensor } from '../tensor.ts';
import { openTensor, reading, sizesOf } from './read-tensor.ts';
import type { TensorLike } from './types.ts';

const ANY_SHAPE = 'a shape of sizes, each at least 1';

/** Returns a tensor's own shape. Reads no numbers. @throws TaesdError ARG, SHAPE */
export const shapeOf = (what: string, value: TensorLike): number[] =>
  reading(what, () => sizesOf(what, value, { min: 1, max: MAX_RANK, rule: ANY_SHAPE }));

/**
 * Copies a whole tensor of any dimensions. Ignores `layout`.
 *
 * @param what  its name, for errors
 * @returns f32 of its own shape; a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, OOM
 */
export function copyWhole(what: string, value: TensorLike): Tensor | Promise<Tensor> {
  return reading(what, () => {
    const shape = shapeOf(what, value);
    const { view, copy } = openTensor(what, value, shape);
    return copy(view, (data) => ({ shape, data }));
  });
}
