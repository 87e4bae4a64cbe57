import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { fromVae, type Variant } from '../model/variants.ts';
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

/** Converts a copy of latents to the space the networks work in: `(z − shift) · scale`. */
export function toDiffusion({ tensor, space }: InSpace, variant: Variant): void {
  if (space === 'diffusion') return;
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) data[i] = fromVae(data[i], variant);
}
