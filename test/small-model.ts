import type { Half, Network } from '../src/model/layers.ts';
import { type WeightShapes, weightShapes } from '../src/model/measure.ts';
import { storedShapes } from '../src/model/stored.ts';
import { type ModelName, VARIANTS } from '../src/model/variants.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import type { Tensor } from '../src/tensor.ts';
import { randomTensor, seededRandom } from './random.ts';

/**
 * Random weights for every layer of a network, by taesd.py's names, scaled so that values stay near
 * 1.
 */
export const networkTensors = (network: Network, seed: number): Map<string, Tensor> =>
  tensorsOf(network.map(weightShapes), seed);

function tensorsOf(layers: readonly WeightShapes[], seed: number): Map<string, Tensor> {
  const random = seededRandom(seed);
  const tensors = new Map<string, Tensor>();
  for (const [index, shapes] of layers.entries()) {
    for (const [name, shape] of shapes) {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      tensors.set(`${index}.${name}`, randomTensor(random, shape, Math.sqrt(2 / fanIn)));
    }
  }
  return tensors;
}

/** The same in the shapes of a real model, for tests that need no real ones. */
export const randomTensors = (model: ModelName, part: Half): Map<string, Tensor> =>
  tensorsOf(storedShapes(VARIANTS[model], part), part === 'encoder' ? 11 : 12);

/**
 * The same as the bytes of a safetensors file.
 *
 * @param rename  from taesd.py's names to those of another layout
 */
export function randomWeights(
  model: ModelName,
  part: Half,
  rename: (name: string) => string = (name) => name,
): Uint8Array {
  return writeSafetensors(
    [...randomTensors(model, part)].map(([name, tensor]) => [rename(name), tensor] as const),
  );
}
