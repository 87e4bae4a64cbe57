import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelName } from '../../src/model/variants.ts';
import type { ImageLike } from '../../src/options/types.ts';
import { seededRandom } from '../random.ts';
import { randomWeights } from '../small-model.ts';

/** A folder with random weights of these models. */
export function writeWeights(folder: string, models: readonly ModelName[]): void {
  mkdirSync(folder, { recursive: true });
  for (const model of models) {
    for (const part of ['encoder', 'decoder'] as const) {
      writeFileSync(join(folder, `${model}_${part}.safetensors`), randomWeights(model, part));
    }
  }
}

/** Noise, RGB or RGBA. */
export function randomPicture(width: number, height: number, channels: 3 | 4): ImageLike {
  const random = seededRandom(width * height + channels);
  const length = width * height * channels;
  return { width, height, data: Uint8Array.from({ length }, () => Math.floor(random() * 256)) };
}
