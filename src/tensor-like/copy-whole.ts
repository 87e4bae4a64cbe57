import type { Tensor } from '../tensor.ts';
import { declaredType } from './element-type.ts';
import { copyNumbers } from './numbers.ts';
import { checkCount, isPromise, numbersOf, sizesOf, unreadable } from './read-tensor.ts';
import type { TensorLike } from './types.ts';
import { declaredView } from './view.ts';

const ANY_SHAPE = 'a shape of sizes, each at least 1';

/** Returns a tensor's own shape. Reads no numbers. @throws TaesdError ARG, SHAPE */
export const shapeOf = (what: string, value: TensorLike): number[] =>
  sizesOf(what, value, { min: 1, max: 64, rule: ANY_SHAPE });

/**
 * Copies a whole tensor of any dimensions; its layout is not looked at.
 *
 * @param what  its name, for errors
 * @returns f32 of its own shape; a promise if the numbers have to be read from a GPU
 * @throws TaesdError ARG, SHAPE, OOM
 */
export function copyWhole(what: string, value: TensorLike): Tensor | Promise<Tensor> {
  const shape = shapeOf(what, value);
  const declared = declaredType(what, value.dtype, value.type);
  const strides = value.strides ?? value.stride;
  const view = declaredView(what, shape, strides, value.offset);
  const isPlain = strides === undefined && value.offset === undefined;
  const copy = (data: unknown): Tensor => {
    if (isPlain) checkCount(what, data, shape);
    return { shape, data: copyNumbers(what, data, declared, view) };
  };
  const numbers = numbersOf(what, value);
  if (!isPromise(numbers)) return copy(numbers);
  return Promise.resolve(numbers).then(copy, (reason) => {
    throw unreadable(what, reason);
  });
}
