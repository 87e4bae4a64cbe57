import { expected } from '../errors.ts';
import { latentSpaces } from '../model/variants.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { axesReadings, shapeBy } from '../tensor-like/axes.ts';

/**
 * Returns the shape [N, C, h, w] of latents that a file stores with 3 to 5 axes; undefined if no
 * model has such latents. `axesReadings` says which axes of 1 are dropped.
 */
export function latentShape(shape: readonly number[]): number[] | undefined {
  if (shape.some((size) => size < 1)) return undefined;
  return axesReadings(shape)
    .map((axes) => shapeBy(axes, shape))
    .find(([, channels]) => latentSpaces(channels).length > 0);
}

/** Returns latents as [N, C, h, w]. @throws TaesdError SHAPE (no model has such latents) */
export function asLatents({ shape, data }: Tensor, what: string): Tensor {
  const latents = latentShape(shape);
  if (latents !== undefined) return { shape: latents, data };
  const rule = 'shape [N,C,h,w], [C,h,w] or [N,C,1,h,w] with C = 4 or 16';
  const isLast = latentSpaces(shape.at(-1)).length > 0;
  const hint = isLast ? 'channels last? transpose it' : 'latents of a model that is not supported?';
  throw expected('SHAPE', what, rule, shapeText(shape), { hint });
}
