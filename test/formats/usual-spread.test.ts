import { expect, test } from 'vitest';
import { readLatents } from '../../src/formats/index.ts';
import { toVaeLatents } from '../../src/latent.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { sampled } from '../full-length.ts';
import { realWeights } from '../golden.ts';
import { seededRandom } from '../random.ts';
import { testShared } from '../shared.ts';
import { npyByHand } from './files-by-hand.ts';
import { roundedNumbers } from './seeded-numbers.ts';

/*
 * The warning about the spread of numbers: for flat pictures and unit noise none, for the wrong
 * space one. taesd3's spaces cannot be told apart.
 */

const ALL_COLOURS: readonly (readonly number[])[] = [
  ...[
    [0, 0, 0],
    [255, 255, 255],
    [128, 128, 128],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ],
  ...[
    [255, 255, 0],
    [0, 255, 255],
    [255, 0, 255],
    [20, 20, 20],
    [200, 180, 160],
  ],
];

const COLOURS = sampled(
  [0, 3].map((n) => ALL_COLOURS[n]),
  ALL_COLOURS,
);

function flat(colour: readonly number[]) {
  const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => colour[i % 3]);
  return { width: 64, height: 64, data };
}

/** Normal numbers of deviation 1, by Box and Muller. */
function noise(channels: number): Tensor {
  const random = seededRandom(7);
  const data = Float32Array.from(
    { length: channels * 64 },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return { shape: [1, channels, 8, 8], data };
}

async function warningsOf(latents: Tensor, model: ModelName, space: 'diffusion' | 'vae') {
  const bytes = npyByHand(roundedNumbers('F32', latents.shape, latents.data));
  const { assumed } = await readLatents(bytes, { model, space });
  return assumed.filter((sentence) => sentence.includes('root mean square'));
}

async function expectNone(latents: Tensor, model: ModelName): Promise<void> {
  expect(await warningsOf(latents, model, 'diffusion')).toEqual([]);
  if ('unknown' in VARIANTS[model].fromVae) return;
  expect(await warningsOf(toVaeLatents(latents, model), model, 'vae')).toEqual([]);
}

async function flatPictures(taesd: Taesd, model: ModelName): Promise<string> {
  const spreads = [];
  for (const colour of COLOURS) {
    const latents = await taesd.encode(flat(colour));
    await expectNone(latents, model);
    const squares = latents.data.reduce((sum, value) => sum + value * value, 0);
    spreads.push(Math.sqrt(squares / latents.data.length));
  }
  const [low, high] = [Math.min(...spreads), Math.max(...spreads)];
  return `${model}: root mean square of flat pictures ${low.toFixed(2)} to ${high.toFixed(2)}`;
}

test('nano: flat pictures, unit noise → no warning', async () => {
  console.log(await flatPictures(await Taesd.load({ model: 'nano' }), 'nano'));
  await expectNone(noise(4), 'nano');
});

for (const model of ['taesd', 'taesdxl', 'taesd3', 'taef1', 'taef2'] as const) {
  testShared(`${model}: flat pictures, unit noise → no warning`, async () => {
    const taesd = await Taesd.load({ model, weights: realWeights(model), only: 'encoder' });
    console.log(await flatPictures(taesd, model));
    await expectNone(noise(VARIANTS[model].latentChannels), model);
  });
}

test.each(['taesd', 'taesdxl'] as const)(
  '%s: unit noise in the other space → one',
  async (model) => {
    const latents = noise(4);
    expect(await warningsOf(latents, model, 'vae')).toEqual([
      expect.stringMatching(
        /in diffusion space is 0\.1\d\d, usually 0\.25 to 4; are the numbers in diffusion space\?$/,
      ),
    ]);
    expect(await warningsOf(toVaeLatents(latents, model), model, 'diffusion')).toEqual([
      expect.stringMatching(
        /in diffusion space is \d\.\d\d, usually 0\.25 to 4; are the numbers in VAE space\?$/,
      ),
    ]);
  },
);
