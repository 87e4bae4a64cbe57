// The models of the soak, with their weights: real ones, and seeded ones where none are at hand.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Taesd, VARIANTS } from 'taesd-wasm';
import { weightsFrom } from '../seeded-weights.ts';

/** The folder beside the repository, or undefined. */
const SHARED = process.env.TAESD_SOAK_SHARED;
export const sharedFolder = existsSync(SHARED ?? '') ? SHARED : undefined;
const readShared = (path) => new Uint8Array(readFileSync(`${SHARED}${path}`));

/** One group of columns; odd sizes; several bands; enough for workers. */
const SMALL = [
  [1, 1],
  [5, 9],
];
const SIZES = {
  nano: [...SMALL, [16, 16], [48, 64]],
  taesd: [...SMALL, [16, 16], [32, 48]],
  taef2: [...SMALL, [16, 16]],
  taesana: [[3, 5]],
};
/** The real weights, then seeded ones: frames, alpha, the whole map at once, 1/32. */
const MODELS = ['taesd', 'taef2', 'taew2_1', 'taeqi2_1', 'taesana'];

/** Returns the options of `load` for each instance: nano alone if `../shared` is absent. */
export async function loadOptions(workers) {
  const all = [{ model: 'nano', precision: 'f32', workers }];
  if (sharedFolder === undefined) {
    if (process.env.CI) throw new Error(`${SHARED} expected the real weights, got none`);
    return all;
  }
  for (const model of MODELS) {
    const [encoder, decoder] = await Promise.all(
      ['encoder', 'decoder'].map((half) => weightsFrom(readShared, model, half)),
    );
    all.push({ model, precision: 'f32', workers, weights: { encoder, decoder } });
    if (model === 'taesd') all.push({ ...all.at(-1), precision: 'fast' });
  }
  return all;
}

/** The number of layers whose outputs are kept as digests. */
const STEPS = 6;

/** Loads an instance, and makes latents of each size with the results that calls must repeat. */
export async function rigOf(options, random) {
  const taesd = await Taesd.load(options);
  const { model } = options;
  const { latentChannels } = VARIANTS[model];
  const trips = [];
  for (const [height, width] of SIZES[model] ?? SMALL) {
    const shape = [1, latentChannels, height, width];
    const data = Float32Array.from(
      { length: latentChannels * height * width },
      () => 2 * random() - 1,
    );
    const latents = { shape, data };
    const picture = await taesd.decode(latents);
    const encoded = await taesd.encode(picture);
    const steps = [];
    for (const input of [latents, picture]) steps.push([input, await stepsOf(taesd, input)]);
    trips.push({ latents, picture, encoded, steps });
  }
  // Files of nano say taesd, whose latents they hold.
  return { taesd, trips, space: model === 'nano' ? 'taesd' : model };
}

/** Returns the digests of the outputs of the first layers. */
async function stepsOf(taesd, input) {
  const digests = [];
  for await (const { output } of taesd.steps(input)) {
    digests.push(digestOf(output));
    if (digests.length === STEPS) break;
  }
  return digests;
}

/** Returns a short text that stands for the numbers of a tensor, which may have 50 MB. */
export const digestOf = ({ data }) => createHash('sha256').update(data).digest('base64');
