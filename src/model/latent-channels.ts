import type { Layer } from './layers.ts';
import { networkOf, type Part, VARIANTS } from './variants.ts';

/**
 * The latent channels that a half's weights were trained for, whichever model they belong to: the encoder's
 * last convolution gives them, the decoder's first one takes them.
 *
 * @param tensors  by taesd.py's names; of those, the one layer's `weight` is looked at
 * @returns undefined where that tensor is missing, or has no such dimension
 */
export function latentChannelsOf(
  part: Part,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): number | undefined {
  const [cout, cin] = tensors.get(`${latentLayer(part)}.weight`)?.shape ?? [];
  return part === 'encoder' ? cout : cin;
}

/** The number of the layer that latents come out of or go into: the same in every model. */
function latentLayer(part: Part): number {
  const network = networkOf(VARIANTS.taesd, part);
  const isConv = ({ kind }: Layer) => kind === 'conv';
  return part === 'encoder' ? network.findLastIndex(isConv) : network.findIndex(isConv);
}
