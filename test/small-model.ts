import { weightShapes } from '../src/model/measure.ts';
import { networkOf, type Part, VARIANTS } from '../src/model/variants.ts';
import type { Tensor } from '../src/tensor.ts';
import { writeSafetensors } from '../src/weights/safetensors.ts';
import { randomTensor, seededRandom } from './random.ts';

/**
 * Random weights in the shapes of a real model, for tests that need no real ones: the bytes of a safetensors
 * file, scaled so that values stay near 1.
 *
 * @param rename  from taesd.py's names to those of another layout
 */
export function randomWeights(
  model: keyof typeof VARIANTS,
  part: Part,
  rename: (name: string) => string = (name) => name,
): Uint8Array {
  return writeSafetensors(
    [...randomTensors(model, part)].map(([name, tensor]) => [rename(name), tensor] as const),
  );
}

/** The same weights as tensors, by taesd.py's names. */
export function randomTensors(model: keyof typeof VARIANTS, part: Part): Map<string, Tensor> {
  const random = seededRandom(part === 'encoder' ? 11 : 12);
  const tensors = new Map<string, Tensor>();
  for (const [index, layer] of networkOf(VARIANTS[model], part).entries()) {
    for (const [name, shape] of weightShapes(layer)) {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      tensors.set(`${index}.${name}`, randomTensor(random, shape, Math.sqrt(2 / fanIn)));
    }
  }
  return tensors;
}
