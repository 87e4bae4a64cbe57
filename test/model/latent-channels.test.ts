import { expect, test } from 'vitest';
import { latentChannelsOf } from '../../src/model/latent-channels.ts';
import { modelNames, VARIANTS } from '../../src/model/variants.ts';
import { randomTensors } from '../small-model.ts';

for (const model of modelNames()) {
  for (const part of ['encoder', 'decoder'] as const) {
    test(`latentChannelsOf: ${model} ${part} → the model's latent channels`, () => {
      const { latentChannels } = VARIANTS[model];
      expect(latentChannelsOf(part, randomTensors(model, part))).toBe(latentChannels);
    });
  }
}

test('latentChannelsOf: the layer missing, or of no dimensions → undefined', () => {
  const tensors = randomTensors('taesd', 'encoder');
  tensors.delete('14.weight');
  expect(latentChannelsOf('encoder', tensors)).toBeUndefined();
  expect(latentChannelsOf('decoder', new Map())).toBeUndefined();
  expect(latentChannelsOf('decoder', new Map([['1.weight', { shape: [] }]]))).toBeUndefined();
});
