import { type ModelName, nanoFor, Taesd, VARIANTS } from 'taesd-wasm';
import { describe, expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import type { StepView } from '../../explorer/src/engine/protocol.ts';
import { Walks } from '../../explorer/src/engine/walks.ts';
import { explain } from '../../explorer/src/text/explanations.ts';
import { stepText } from '../../explorer/src/text/measured.ts';
import { shapeText } from '../../explorer/src/text/numbers.ts';
import { sourceLine } from '../../explorer/src/text/source-lines.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { seededWeights } from '../golden.ts';
import { seededTensors } from '../seeded-weights.ts';
import { sharedFile, testShared } from '../shared.ts';
import { rgba } from './rgba.ts';

/*
 * All models that the page offers, layer by layer and inside their blocks, through the code of its
 * workers: the texts of each layer, and one of its numbers as the page adds it up.
 */

const PICTURE = rgba(renderPicture(32));
/** How far apart the arithmetic and the routine may be: where the page says that they agree. */
const TOLERANCE = 1e-4;

const MODELS = Object.values(VARIANTS)
  .filter(({ name }) => name === 'nano' || nanoFor(name) !== name)
  .map(({ name }) => name);
/** Its layers are those of taef1. */
const NOT_AT_HAND = 'taef1-1.1';

async function load(model: ModelName): Promise<Taesd> {
  if (model === 'nano') return Taesd.load({ model, workers: 0 });
  const weights =
    model === 'taew2_1'
      ? writeSafetensors([
          ...seededTensors(sharedFile('weights/random/random-weights.json'), model),
        ])
      : await seededWeights(model);
  return Taesd.load({ model, weights, workers: 0 });
}

/** The layers of a model and all that is inside of them, by name. */
async function walked(walks: Walks): Promise<StepView[]> {
  const layers: StepView[] = [];
  const asked = { picture: PICTURE, latents: undefined, onLatents: () => {} };
  await walks.run({ ...asked, onStep: (step) => void layers.push(step) });
  const all: StepView[] = [];
  for (const step of layers) {
    all.push(step);
    const canOpen = step.layer.kind === 'block' || 'from' in step.layer;
    if (canOpen) all.push(...(await walks.open(step.name)));
  }
  return all;
}

describe('explorer, layers of all models', () => {
  test('the models → those of the table that encode and decode', () => {
    expect(MODELS).toHaveLength(10);
    const { networks } = VARIANTS[NOT_AT_HAND];
    expect(networks).toEqual(VARIANTS.taef1.networks);
  });

  for (const model of MODELS.filter((name) => name !== NOT_AT_HAND)) {
    testShared(`${model} → each layer has texts; no two are alike; each sum agrees`, async () => {
      const taesd = await load(model);
      const walks = new Walks(taesd);
      const steps = await walked(walks);
      const { networks } = VARIANTS[model];
      const seen = new Map<string, string>();
      for (const step of steps) {
        const { name, part, shape, inputShape, summary } = step;
        const { title, text } = explain(step, networks[part]);
        expect(title.length, name).toBeGreaterThan(3);
        expect(text.length, name).toBeGreaterThan(60);
        expect(sourceLine(step, model)?.file, name).toMatch(/^src\/model\//);
        const told = [title, text, stepText(step), step.parameters, step.multiplyAdds];
        const key = [...told, shapeText(inputShape), shapeText(shape)].join(' | ');
        // Inside some blocks of nano a ReLU leaves nothing: two maps of zeros are alike.
        const isEmpty = step.block !== undefined && summary.min === summary.max;
        if (!isEmpty) expect(seen.get(key), `${name} and another layer: ${key}`).toBeUndefined();
        seen.set(key, name);
        const [, channels, height, width] = shape;
        for (const position of [
          { channel: channels - 1, y: height >> 1, x: width - 1 },
          { channel: channels >> 1, y: 0, x: 0 },
        ]) {
          const { value, kernelValue } = await walks.pixel(name, position);
          const off = Math.abs(value - kernelValue) / Math.max(1, Math.abs(value));
          expect(off, name).toBeLessThan(TOLERANCE);
        }
      }
      expect(steps.length).toBeGreaterThan(networks.encoder.length + networks.decoder.length);
      taesd.dispose();
    });
  }
});
