import { Taesd } from 'taesd-wasm';
import { expect } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { Filters } from '../../explorer/src/engine/filters.ts';
import type { FiltersView, StepView } from '../../explorer/src/engine/protocol.ts';
import { Walks } from '../../explorer/src/engine/walks.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { seededTensors } from '../seeded-weights.ts';
import { sharedFile, testShared } from '../shared.ts';
import { pictureOf, rgba } from './rgba.ts';

testShared('taew2_1, layers on frames → sums, filters, a block switched off', async () => {
  const json = sharedFile('weights/random/random-weights.json');
  const weights = writeSafetensors([...seededTensors(json, 'taew2_1')]);
  const taesd = await Taesd.load({ model: 'taew2_1', weights, workers: 0 });
  const picture = rgba(renderPicture(16));
  const walks = new Walks(taesd);
  const views: StepView[] = [];
  const latents = await walks.run({
    ...{ picture, latents: undefined, onLatents: () => {} },
    onStep: (step) => void views.push(step),
  });
  const blocks = views.filter(({ layer, part }) => layer.kind === 'memBlock' && part === 'decoder');
  const convs = views.filter(({ layer }) => layer.kind === 'frameConv');
  const filters = new Filters(taesd);
  for (const { name, shape } of [blocks[0], blocks.at(-1), ...convs] as StepView[]) {
    await walks.prepare(name);
    const position = { channel: shape[1] - 1, y: shape[2] - 1, x: 1 };
    const { value, kernelValue, source } = await walks.pixel(name, position);
    expect(Math.abs(value - kernelValue)).toBeLessThan(1e-4);
    const found = (await filters.of(name)) as FiltersView;
    const { cout, cin, kernel } = found;
    expect(found.weight.length).toBe(cout * cin * kernel ** 2);
    expect((await filters.of(source))?.weight).toEqual(found.weight);
  }
  const inner = await walks.open(blocks[0].name);
  expect(new Set(inner.map(({ frame }) => frame))).toEqual(new Set([0, 1]));
  expect(inner.map(({ place }) => place)).toContain('past');
  const { name } = blocks.at(-1) as StepView;
  const left = await walks.without(name);
  let output = latents;
  for await (const step of taesd.steps(latents)) {
    if (step.name === name) {
      const adds = [];
      for await (const { name: inside, inputs } of step.inner()) {
        if (inside.endsWith('.add')) adds.push(...inputs[1].data);
      }
      step.output.data.set(adds.map((value) => Math.max(value, 0)));
    }
    output = step.output;
  }
  expect(left.picture).toEqual(pictureOf(output));
  taesd.dispose();
});
