import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { Space } from './types.ts';

/** @throws TaesdError ARG (neither space) */
export function checkSpace(space: unknown): Space {
  if (space === 'diffusion' || space === 'vae') return space;
  throw expected('ARG', 'space', "'diffusion' or 'vae'", describe(space));
}
