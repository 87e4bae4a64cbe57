/*
 * A model that gives its memory back after each decode grows it again for the next one, which takes
 * up to 40 % of a decode's time. At 512×512 no model does, and taesd does not at 1024×1024.
 */
import { expect, test } from 'vitest';
import { VARIANTS } from '../src/model/variants.ts';
import { Taesd } from '../src/taesd.ts';
import { zeros } from '../src/tensor.ts';
import { randomWeights } from './small-model.ts';

/** The largest workspaces. Measured in MiB: 42.1, 51.9 and 57.8. taesd takes 31.6 at 512×512. */
const CASES = [
  ['taesana', 512],
  ['taew2_1', 512],
  ['taesd', 1024],
] as const;

for (const [model, size] of CASES) {
  test(`info.memoryBytes: ${model}, a decode of ${size}×${size} → kept for the next`, async () => {
    const { latentChannels, downscale } = VARIANTS[model];
    const weights = { decoder: randomWeights(model, 'decoder') };
    const taesd = await Taesd.load({ model, only: 'decoder', weights, workers: 0 });
    const loaded = taesd.info.memoryBytes;
    await taesd.decode(zeros([1, latentChannels, size / downscale, size / downscale]));
    const grown = taesd.info.memoryBytes - loaded;
    if (process.env.MEASURE) console.log(model, size, grown / 2 ** 20);
    expect(grown).toBeGreaterThan(2 ** 20);
    taesd.dispose();
  });
}
