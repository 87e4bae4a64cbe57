import type { Half, Layer } from './layers.ts';
import { latentSpaces, VARIANTS } from './variants.ts';

/**
 * The latent channels that a half's weights were trained for, whichever model they belong to: the encoder's
 * last convolution gives them, the decoder's first one takes them.
 *
 * @param tensors  by taesd.py's names; of those, the one layer's `weight` is looked at
 * @returns undefined where that tensor is missing, or has no such dimension
 */
export function latentChannelsOf(
  part: Half,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): number | undefined {
  for (const layer of latentLayers(part)) {
    const shape = tensors.get(`${layer}.weight`)?.shape;
    if (shape !== undefined) return part === 'encoder' ? shape[0] : shape[1];
  }
  return undefined;
}

/** The numbers that the layer has that latents come out of or go into: in every model but `nano` the same. */
function latentLayers(part: Half): ReadonlySet<number> {
  const isConv = ({ kind }: Layer) => kind === 'conv';
  return new Set(
    Object.values(VARIANTS).map(({ networks: { [part]: network } }) =>
      part === 'encoder' ? network.findLastIndex(isConv) : network.findIndex(isConv),
    ),
  );
}

/** The likely cause of a misshapen tensor: where the latent's channels are those of another model, its name. */
export function otherModel(part: Half, name: string, shape: readonly number[]): string | undefined {
  const channels = latentChannelsOf(part, new Map([[name, { shape }]]));
  const models = channels === undefined ? [] : latentSpaces(channels);
  return models.length > 0 ? `weights of ${models.join(' or ')}?` : undefined;
}
