// The weights of this project's contestants: a real file, or seeded weights of a model whose real
// ones are not at hand, or those in the package. The speed does not depend on them.
import { readFileSync } from 'node:fs';
import { writeSafetensors } from '../../dist/safetensors/write.js';
import { MODELS } from './models.mjs';
import { SEEDED_FORMULA, SEEDED_SHAPES, weightsUrl } from './shared.mjs';

/** @returns the bytes of a file of weights */
export async function readWeights(part, model = 'taesd') {
  const { seeded, isInPackage = false } = MODELS[model];
  if (isInPackage) return (await import('../../dist/nano.js')).nano().weights[part];
  if (seeded === undefined) return readFileSync(weightsUrl(part, model));
  const { weights } = await import(SEEDED_FORMULA.href);
  const { models } = JSON.parse(readFileSync(SEEDED_SHAPES, 'utf8'));
  const tensors = [];
  for (const { name, shape, data } of weights(models[seeded.name])) {
    if (!name.startsWith(seeded.prefix)) continue;
    tensors.push([name.slice(seeded.prefix.length), { shape, data }]);
  }
  return writeSafetensors(tensors);
}
