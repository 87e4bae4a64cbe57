import { expected } from '../errors.ts';
import { fromVaeLatents, toVaeLatents } from '../latent.ts';
import { checkSpace } from '../tensor-like/space.ts';
import type { LatentFile, Space } from './format.ts';

/**
 * Returns a file whose latents are in `space`, converted by the numbers of its model.
 *
 * @throws TaesdError ARG (an unknown space; a conversion is needed, and the file names no model),
 *   UNSUPPORTED (the model's numbers are not known)
 */
export function inSpace(file: LatentFile, space: Space): LatentFile {
  const { model, latents, ...rest } = file ?? {};
  const own = checkSpace(rest.space ?? 'diffusion');
  if (own === space) return file;
  if (model === undefined) {
    const hint = `${own} space becomes ${space} space by the model's own numbers`;
    throw expected('ARG', 'model', 'the model of the latents', 'none', { hint });
  }
  const convert = space === 'vae' ? toVaeLatents : fromVaeLatents;
  return { ...file, space, latents: convert(latents, model) };
}
