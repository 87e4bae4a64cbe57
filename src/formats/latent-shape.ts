import { expected } from '../errors.ts';
import { latentSpaces } from '../model/variants.ts';
import { shapeText, type Tensor } from '../tensor.ts';

/**
 * Returns the shape [N, C, h, w] of latents that a file stores with 3 to 5 axes; undefined if no
 * model has such latents. [C, h, w] becomes a batch of 1. An axis of 1 is dropped: [N, C, 1, h, w]
 * and [C, 1, h, w] are the single frame of video models.
 */
export function latentShape(shape: readonly number[]): number[] | undefined {
  return layoutsOf(shape).find(
    ([, c, ...hw]) => latentSpaces(c).length > 0 && hw.every((size) => size > 0),
  );
}

/** The readings of a shape as [N, C, h, w], the plainest first. */
function layoutsOf(shape: readonly number[]): number[][] {
  if (shape.some((size) => size < 1)) return [];
  if (shape.length === 3) return [[1, ...shape]];
  const without = (axis: number) => shape.filter((_, i) => i !== axis);
  const dropped = [2, 1, 0].filter((axis) => shape[axis] === 1).map(without);
  if (shape.length === 5) return dropped;
  if (shape.length !== 4) return [];
  return [[...shape], ...dropped.map((sizes) => [1, ...sizes])];
}

/** Returns latents as [N, C, h, w]. @throws TaesdError SHAPE (no model has such latents) */
export function asLatents({ shape, data }: Tensor, what: string): Tensor {
  const latents = latentShape(shape);
  if (latents !== undefined) return { shape: latents, data };
  const rule = 'shape [N,C,h,w], [C,h,w] or [N,C,1,h,w] with C = 4 or 16';
  const hint = 'latents of a model that is not supported?';
  throw expected('SHAPE', what, rule, shapeText(shape), { hint });
}
