import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { convertChannels, fromVae } from '../model/vae-space.ts';
import type { Variant } from '../model/variants.ts';
import type { Tensor } from '../tensor.ts';
import type { Space } from './types.ts';

/** @throws TaesdError ARG (neither space) */
export function checkSpace(space: unknown): Space {
  if (space === 'diffusion' || space === 'vae') return space;
  throw expected('ARG', 'space', "'diffusion' or 'vae'", describe(space));
}

/** Latents, and the space of their numbers. */
interface InSpace {
  readonly tensor: Tensor;
  readonly space: Space;
}

/**
 * Converts a copy of latents to the space the networks work in.
 *
 * @throws TaesdError UNSUPPORTED (VAE space of a model whose conversion is not known)
 */
export function toDiffusion({ tensor, space }: InSpace, variant: Variant): void {
  if (space === 'vae') convertChannels(tensor, fromVae(variant));
}
