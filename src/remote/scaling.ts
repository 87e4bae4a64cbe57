import { expected } from '../errors.ts';
import { convertChannels, toVae } from '../model/vae-space.ts';
import type { Variant } from '../model/variants.ts';
import { firstNonFinite, type Tensor } from '../tensor.ts';
import type { Space } from '../tensor-like/types.ts';
import { HttpProblem, says, wrongQuery } from './problem.ts';
import { flagOf, numberOf } from './query.ts';

/*
 * The space of latents in the protocol. With a scaling factor they are those of diffusion, and the
 * server converts them with the numbers of the request: z = x / scale + shift. Without one they are
 * those of the full VAE.
 */

/** The parameters `scaling_factor`, `shift_factor` and `do_scaling`. */
export interface Scaling {
  /** False for latents of the full VAE. */
  readonly isScaled: boolean;
  /** Undefined for the model's own. */
  readonly scale: number | undefined;
  readonly shift: number;
}

/** @throws HttpProblem ARG (not numbers, a scale of 0, a shift alone) */
export function scalingOf(params: URLSearchParams): Scaling {
  const scale = numberOf(params, 'scaling_factor');
  const shift = numberOf(params, 'shift_factor');
  if (scale === 0) throw wrongQuery('scaling_factor', 'another number than 0', '0');
  if (scale === undefined && shift !== undefined) {
    throw wrongQuery('scaling_factor', 'a number, because "shift_factor" is given', 'none');
  }
  return {
    isScaled: scale !== undefined || flagOf(params, 'do_scaling'),
    scale,
    shift: shift ?? 0,
  };
}

/** The relative tolerance of a scale, the absolute one of a shift. */
const TOLERANCE = 1e-4;

/** Returns true if the request has the numbers of a model, or leaves them to it. */
export function isOwnScaling({ isScaled, scale, shift }: Scaling, { fromVae }: Variant): boolean {
  if (scale === undefined) return isScaled;
  if (!('scale' in fromVae)) return false;
  const isNear = (own: number, got: number, size: number) =>
    Math.abs(got - own) <= TOLERANCE * size;
  return isNear(fromVae.scale, scale, fromVae.scale) && isNear(fromVae.shift, shift, 1);
}

/** @throws HttpProblem UNSUPPORTED (a conversion by numbers of the model that are not known) */
export function checkScaling(scaling: Scaling, variant: Variant): void {
  if (isOwnScaling(scaling, variant) || !('unknown' in variant.fromVae)) return;
  const rule = `do_scaling=True alone for model ${variant.name}`;
  const got = scaling.scale === undefined ? 'none' : `scaling_factor ${scaling.scale}`;
  const { unknown } = variant.fromVae;
  throw new HttpProblem(422, 'UNSUPPORTED', says('scaling', rule, got, unknown));
}

/**
 * Converts received latents in place, if their numbers are not the model's own.
 *
 * @returns their space
 * @throws TaesdError NONFINITE (numbers that leave the range of float32)
 */
export function toKnownSpace(latents: Tensor, scaling: Scaling, variant: Variant): Space {
  const { scale, shift } = scaling;
  if (isOwnScaling(scaling, variant)) return 'diffusion';
  if (scale !== undefined) {
    convertChannels(latents, (x) => x / scale + shift);
    checkFinite(latents, scaling);
  }
  return 'vae';
}

/** Converts encoded latents in place, from the space of diffusion. @throws as `toKnownSpace` */
export function fromDiffusion(latents: Tensor, scaling: Scaling, variant: Variant): void {
  const { scale, shift } = scaling;
  if (isOwnScaling(scaling, variant)) return;
  convertChannels(latents, toVae(variant));
  if (scale === undefined) return;
  convertChannels(latents, (z) => (z - shift) * scale);
  checkFinite(latents, scaling);
}

function checkFinite({ data }: Tensor, { scale, shift }: Scaling): void {
  if (firstNonFinite(data) < 0) return;
  const rule = 'finite numbers after scaling';
  throw expected('NONFINITE', 'latents', rule, `scaling ${scale}, shift ${shift}`);
}
