import { orList } from '../checks.ts';
import type { Half } from './layers.ts';
import { storedShapes } from './stored.ts';
import { latentSpaces, VARIANTS } from './variants.ts';

/**
 * Returns the number of latent channels that a half's weights were trained for. It is the number of
 * outputs of the encoder's last convolution, and of inputs of the decoder's first.
 *
 * @param tensors  the half's tensors by taesd.py's names; one layer's `weight` is read
 * @returns undefined if that tensor is missing or has no such dimension
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

/** Returns the indices, over all models, of the layer that gives or takes latents. */
function latentLayers(part: Half): ReadonlySet<number> {
  return new Set(
    Object.values(VARIANTS).map((variant) => {
      const layers = storedShapes(variant, part).map((shapes) => shapes.has('weight'));
      return part === 'encoder' ? layers.lastIndexOf(true) : layers.indexOf(true);
    }),
  );
}

/**
 * Returns a hint for a tensor of the wrong shape: the models that have it, or the models whose
 * latent channels it has.
 */
export function otherModel(part: Half, name: string, shape: readonly number[]): string | undefined {
  const channels = latentChannelsOf(part, new Map([[name, { shape }]]));
  if (channels === undefined) return undefined;
  const [, index, inner] = /^(\d+)\.(.*)$/.exec(name) as RegExpExecArray;
  const fitting = Object.values(VARIANTS).filter(
    (variant) => `${storedShapes(variant, part)[Number(index)]?.get(inner)}` === `${shape}`,
  );
  const exact = new Set(fitting.map(({ space }) => space));
  const models = exact.size > 0 ? [...exact] : latentSpaces(channels);
  return models.length > 0 ? `weights of ${orList(models)}?` : undefined;
}
