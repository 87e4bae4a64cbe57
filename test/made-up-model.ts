import { clamp, conv3x3, type Layer, type Network, upsample2x } from '../src/model/layers.ts';
import type { FromVae } from '../src/model/vae-space.ts';
import { type ModelName, type PackedForm, VARIANTS, type Variant } from '../src/model/variants.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { networkTensors } from './small-model.ts';

/** The facts of a model that no table has. */
export interface MadeUp {
  readonly latentChannels: number;
  /** A power of 2. */
  readonly downscale: number;
  readonly fromVae: FromVae;
  readonly packed?: readonly PackedForm[];
}

/**
 * Adds a model to the table, with small networks that halve or double a picture until it has the
 * size of its latents.
 *
 * @returns its name, random weights, and the function that takes it out of the table again
 */
export function addMadeUp({ latentChannels, downscale, fromVae, packed = [] }: MadeUp) {
  const name = `made-up-${downscale}` as ModelName;
  const halvings = Array.from({ length: Math.log2(downscale) });
  const encoder: Network = [
    conv3x3(3, 4),
    ...halvings.map((): Layer => conv3x3(4, 4, { stride: 2 })),
    conv3x3(4, latentChannels),
  ];
  const decoder: Network = [
    clamp(),
    conv3x3(latentChannels, 4),
    ...halvings.flatMap((): Layer[] => [upsample2x(), conv3x3(4, 4)]),
    conv3x3(4, 3),
  ];
  const row: Variant = {
    name,
    space: name as Variant['space'],
    speaks: 'nothing',
    latentChannels,
    pictureChannels: 3,
    downscale,
    networks: { encoder, decoder },
    fromVae,
    packed,
  };
  Object.assign(VARIANTS, { [name]: row });
  const bytes = (network: Network, seed: number) =>
    writeSafetensors([...networkTensors(network, seed)]);
  return {
    name,
    weights: { encoder: bytes(encoder, 21), decoder: bytes(decoder, 22) },
    remove: () => Reflect.deleteProperty(VARIANTS, name),
  };
}
