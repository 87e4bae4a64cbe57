import type { BoundNetwork } from '../../src/model/bind.ts';
import type { Half } from '../../src/model/layers.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bindHalf } from '../../src/weights/fold-frames.ts';
import { readBytes } from '../../src/weights/from-bytes.ts';
import { weightsFrom } from '../seeded-weights.ts';
import { checkClose } from './close.ts';
import type { Case, Place, ReadShared } from './place.ts';

/*
 * The networks of every model, on real or seeded weights, against what PyTorch made of them. The
 * files are named by their paths in `golden/`, without the ending.
 */

/** The networks: within this of PyTorch. */
const GOLDEN_BOUND = 1e-4;

/** The files that hold every layer of both halves. */
const LAYERS = [
  ['taesd', 'taesd-layers-32x32'],
  ['taef2', 'family/taef2-layers-32x32'],
  ['taesana', 'family/taesana-layers-64x32'],
  ['taeqi2_1', 'family/taeqi2_1-layers-64x32'],
] as const;

/**
 * The layers of a video. Frames depend on none after them, so those of the first latent are those
 * of a single picture.
 */
export const TAEW_LAYERS = 'family/taew2_1-layers-16x8-5f';

/**
 * The number in taehv.py of each layer of taew2_1's decoder as computed, and its frames among those
 * of the file.
 */
export const TAEW_ROWS: readonly (readonly [layer: number, ...frames: number[]])[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12].map((layer) => [layer, 0] as const),
  ...[14, 15, 16].map((layer) => [layer, 0, 1] as const),
  ...[17, 18].map((layer) => [layer, 1] as const),
  ...[20, 21, 22].map((layer) => [layer, 3] as const),
];

/** Latents that are decoded. Those of taew2_1 are a video of one latent. */
const LATENTS = [
  ...['1x1', '7x1', '2x3', '13x5'].map((size) => ['taesd', '', size, ''] as const),
  ...['1x1', '7x1', '13x5'].map((size) => ['taef2', 'family/', size, ''] as const),
  ...['1x1', '7x1', '4x3'].map((size) => ['taesana', 'family/', size, ''] as const),
  ...['1x1', '7x1', '13x5'].map((size) => ['taeqi2_1', 'family/', size, ''] as const),
  ...['1x1', '13x5'].map((size) => ['taew2_1', 'family/', size, '-1'] as const),
];

/** Pictures that are encoded, and their latents, which are decoded. */
const TRIPS: readonly (readonly [model: ModelName, file: string])[] = [
  ['taesd3', 'taesd3-astronaut-128x96'],
  ['taesdxl', 'taesdxl-astronaut-128x96'],
  ['taef1', 'taef1-astronaut-128x96'],
  ['taef2', 'taef2-astronaut-128x96'],
  ['taef2', 'family/taef2-astronaut-130x101'],
  ['taesana', 'family/taesana-astronaut-128x96'],
  ['taesana', 'family/taesana-astronaut-130x101'],
  ['taeqi2_1', 'family/taeqi2_1-logo-128x96'],
  ['taeqi2_1', 'family/taeqi2_1-logo-alpha-128x96'],
  ['taeqi2_1', 'family/taeqi2_1-astronaut-alpha-130x102'],
  ['taew2_1', 'family/taew2_1-astronaut-16x16-1f'],
];

/** A case that holds results against a file of golden tensors. */
export interface GoldenCase extends Case {
  readonly golden: string;
}

export const GOLDEN_CASES: readonly GoldenCase[] = [
  ...LAYERS.map(
    ([model, golden]): GoldenCase => ({
      golden,
      name: `${golden} → every layer max |Δ| < 1e-4`,
      shared: true,
      run: (place, read) => checkLayers(place, read, model, golden),
    }),
  ),
  {
    golden: TAEW_LAYERS,
    name: `${TAEW_LAYERS}, first latent → layers of the decoder max |Δ| < 1e-4`,
    shared: true,
    run: checkTaewLayers,
  },
  ...LATENTS.map(([model, folder, size, count]): GoldenCase => {
    const golden = `${folder}${model}-random-latent-${size}${count}`;
    return {
      golden,
      name: `${model}, random latent ${size} → decoded max |Δ| < 1e-4`,
      shared: true,
      async run(place, read) {
        const { latents, decoded } = await readTrip(read, golden);
        return checkHalf(place, read, [model, 'decoder'], latents, decoded);
      },
    };
  }),
  ...TRIPS.map(
    ([model, golden]): GoldenCase => ({
      golden,
      name: `${golden} → latents and decoded max |Δ| < 1e-4`,
      shared: true,
      async run(place, read) {
        const { image, latents, decoded } = await readTrip(read, golden);
        const encoder = await checkHalf(place, read, [model, 'encoder'], image, latents);
        const decoder = await checkHalf(place, read, [model, 'decoder'], latents, decoded);
        return `latents ${encoder}, decoded ${decoder}`;
      },
    }),
  ),
];

async function checkHalf(
  place: Place,
  read: ReadShared,
  [model, half]: readonly [ModelName, Half],
  input: Tensor,
  wanted: Tensor,
): Promise<string> {
  const got = await place.run(await networkOf(read, model, half), input);
  return `off by ${checkClose(half, got, wanted, GOLDEN_BOUND).toExponential(1)}`;
}

async function checkLayers(
  place: Place,
  read: ReadShared,
  model: ModelName,
  file: string,
): Promise<string> {
  const golden = await readGolden(read, file);
  const notes: string[] = [];
  for (const half of ['encoder', 'decoder'] as const) {
    let most = 0;
    const last = VARIANTS[model].networks.encoder.length - 1;
    let input = golden(half === 'encoder' ? 'image' : `encoder.${last}`);
    for (const [index, bound] of (await networkOf(read, model, half)).entries()) {
      // Each layer by itself, on what PyTorch gave for the ones before it.
      const wanted = golden(`${half}.${index}`);
      const got = await place.run([bound], input);
      most = Math.max(most, checkClose(`${half}.${index}`, got, wanted, GOLDEN_BOUND));
      input = wanted;
    }
    notes.push(`${half} off by ${most.toExponential(1)}`);
  }
  return notes.join(', ');
}

/**
 * The encoder is left out: its input is five pictures of a clip, not four equal ones. Networks have
 * single frames at their ends, so layers between which there are two frames run as one.
 */
async function checkTaewLayers(place: Place, read: ReadShared): Promise<string> {
  const golden = await readGolden(read, TAEW_LAYERS);
  const network = await networkOf(read, 'taew2_1', 'decoder');
  if (network.length !== TAEW_ROWS.length) throw new Error(`${network.length} layers`);
  let most = 0;
  let input = framesOf(golden('latents'), [0]);
  let begun = 0;
  for (const [index, [layer, ...frames]] of TAEW_ROWS.entries()) {
    if (frames.length > 1) continue;
    const wanted = framesOf(golden(`decoder.${layer}`), frames);
    const got = await place.run(network.slice(begun, index + 1), input);
    most = Math.max(most, checkClose(`decoder.${layer}`, got, wanted, GOLDEN_BOUND));
    input = wanted;
    begun = index + 1;
  }
  return `decoder off by ${most.toExponential(1)}`;
}

/** Returns frames of [1, T, C, H, W] side by side: [1, frames · C, H, W]. */
export function framesOf(
  { shape: [, count, channels, ...size], data }: Tensor,
  frames: readonly number[],
): Tensor {
  const length = data.length / count;
  const chosen = new Float32Array(frames.length * length);
  for (const [n, frame] of frames.entries()) {
    chosen.set(data.subarray(frame * length, (frame + 1) * length), n * length);
  }
  return { shape: [1, frames.length * channels, ...size], data: chosen };
}

/** Returns the last of the frames [N, T, C, H, W], which is the one that is shown. */
export function lastFrame({ shape: [batch, frames, ...chw], data }: Tensor): Tensor {
  return { shape: [batch, ...chw], data: data.slice(((frames - 1) * data.length) / frames) };
}

/** The input and the output of a model. Only the latents are there for certain. */
interface GoldenTrip {
  readonly image: Tensor;
  readonly latents: Tensor;
  readonly decoded: Tensor;
}

/** Reads a file of golden tensors of a picture, or of a video of one latent. */
export async function readTrip(read: ReadShared, file: string): Promise<GoldenTrip> {
  const golden = await readGolden(read, file);
  const isVideo = golden('latents').shape.length === 5;
  const named = (name: string) => (isVideo ? lastFrame(golden(name)) : golden(name));
  return {
    get image() {
      return named('image');
    },
    latents: named('latents'),
    // The frames of a video before they are trimmed and clamped.
    decoded: named(isVideo ? 'decoded_raw' : 'decoded'),
  };
}

/** Reads a file of golden tensors. A picture's bytes come as numbers 0 … 1. */
export async function readGolden(
  read: ReadShared,
  name: string,
): Promise<(tensor: string) => Tensor> {
  const { tensors } = readSafetensors(await read(`golden/${name}.safetensors`));
  return (tensor) => {
    const stored = tensors.get(tensor);
    if (stored === undefined) throw new Error(`${name} holds no ${tensor}`);
    if (stored.dtype !== 'U8') return toTensor(stored, tensor);
    return { shape: stored.shape, data: Float32Array.from(stored.bytes, (byte) => byte / 255) };
  };
}

/** Reads and binds a half of a model, as `Taesd.load` does. */
async function networkOf(read: ReadShared, model: ModelName, half: Half): Promise<BoundNetwork> {
  const variant = VARIANTS[model];
  const bytes = await weightsFrom(read, model, half);
  const tensors = (await readBytes(bytes, variant, [half]))[half];
  if (tensors === undefined) throw new Error(`no ${half}`);
  return bindHalf(variant, half, tensors);
}
