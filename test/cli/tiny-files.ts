import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageLike } from '../../src/image.ts';
import { describeNetwork, weightShapes } from '../../src/model/measure.ts';
import { type ModelName, networkOf, type Part, VARIANTS } from '../../src/model/variants.ts';
import { elementCount, type Tensor } from '../../src/tensor.ts';
import { writeSafetensors } from '../../src/weights/safetensors.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Random weights of the right shapes, under taesd.py's names, that keep values near 1 from layer to layer. */
export function randomWeights(model: ModelName, part: Part): [string, Tensor][] {
  const random = seededRandom(part === 'encoder' ? 7 : 8);
  const network = networkOf(VARIANTS[model], part);
  return describeNetwork(network, [3, 8, 8]).flatMap(({ index, layer }) =>
    [...weightShapes(layer)].map(([name, shape]): [string, Tensor] => {
      const isBias = shape.length === 1;
      const magnitude = isBias ? 0.5 : Math.sqrt(3 / elementCount(shape.slice(1)));
      return [`${index}.${name}`, randomTensor(random, shape, magnitude)];
    }),
  );
}

/** A folder with random weights of these models. */
export function writeWeights(folder: string, models: readonly ModelName[]): void {
  mkdirSync(folder, { recursive: true });
  for (const model of models) {
    for (const part of ['encoder', 'decoder'] as const) {
      const bytes = writeSafetensors(randomWeights(model, part));
      writeFileSync(join(folder, `${model}_${part}.safetensors`), bytes);
    }
  }
}

/** Noise, RGB or RGBA. */
export function randomPicture(width: number, height: number, channels: 3 | 4): ImageLike {
  const random = seededRandom(width * height + channels);
  const length = width * height * channels;
  return { width, height, data: Uint8Array.from({ length }, () => Math.floor(random() * 256)) };
}
