import type { Layer, Picture, Step, Taesd, Tensor } from 'taesd-wasm';
import { loadNetwork } from 'taesd-wasm/network';
import { placeOf } from './names.ts';

/** The steps of a walk, and what it started from. */
export interface Walked {
  readonly picture: Picture;
  readonly latents: Tensor;
  /** By name, the encoder's first. */
  readonly steps: ReadonlyMap<string, Step>;
}

/** How a run is paced, and ended. */
export interface Pace {
  readonly signal: AbortSignal;
  /** Waits until nothing more urgent is asked for. */
  readonly quiet: () => Promise<void>;
}

/**
 * Runs a half with one of its blocks switched off. The layers before the block are not run again.
 * Those after it run as networks of their own, which takes less time than steps, and the numbers
 * are equal to the bit. There are several networks because the weights of all layers are packed in
 * one go: 0.1 s in which nothing else is answered.
 *
 * @returns f32 [1, C, H, W], what the half makes
 */
export async function runWithout(
  taesd: Taesd,
  walked: Walked,
  block: Step,
  pace: Pace,
): Promise<Tensor> {
  const alone = await skipAlone(block, pace.signal);
  const later = [...walked.steps.values()].filter(
    ({ part, index }) => part === block.part && index > block.index,
  );
  // `loadNetwork` takes no layers on frames.
  if (later.some(({ layer }) => 'from' in layer)) {
    return overwritten(taesd, walked, { block, alone }, pace);
  }
  let x = alone;
  for (const group of groupsOf(later)) {
    x = await runGroup(group, x, pace);
  }
  return x;
}

/** Cuts layers into networks: each has a convolution or block, and what belongs to it. */
function groupsOf(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [[]];
  const isHeavy = ({ layer: { kind } }: Step) => kind === 'conv' || kind === 'block';
  for (const step of steps) {
    const group = groups[groups.length - 1];
    // The kernels of a convolution upsample as well, so these two stay together.
    const mayBegin = isHeavy(step) || step.layer.kind === 'upsample2x';
    if (mayBegin && group.some(isHeavy)) groups.push([step]);
    else group.push(step);
  }
  return groups;
}

async function runGroup(
  group: readonly Step[],
  x: Tensor,
  { signal, quiet }: Pace,
): Promise<Tensor> {
  await quiet();
  const weights = new Map(
    group.flatMap(({ weights: own }, index) =>
      Object.entries(own).map(([name, tensor]) => [`${index}.${name}`, tensor] as const),
    ),
  );
  const layers = group.map(({ layer }) => layer as Layer);
  const network = await loadNetwork(layers, weights, { workers: 0, signal });
  try {
    await quiet();
    return await network.run(x, { signal });
  } finally {
    network.dispose();
  }
}

/** Returns the map that a block makes of its skip connection alone. */
async function skipAlone(block: Step, signal: AbortSignal): Promise<Tensor> {
  const { layer, shape, inputs } = block;
  const isPlain = layer.kind === 'block' && !layer.pool && layer.cin === layer.cout;
  const skips: Tensor[] = isPlain ? [inputs[0]] : [];
  if (!isPlain) {
    for await (const step of block.inner({ signal })) {
      if (placeOf(step.name).place === 'add') skips.push(step.inputs[1]);
    }
  }
  // The channels of frames lie one after the other.
  const data = new Float32Array(shape.reduce((product, side) => product * side));
  let to = 0;
  for (const skip of skips) {
    for (let at = 0; at < skip.data.length; at++, to++) {
      const value = skip.data[at];
      data[to] = value > 0 ? value : 0;
    }
  }
  return { shape, data };
}

/**
 * Walks through the whole half once more: what is written into a step's output, the next step
 * reads.
 */
async function overwritten(
  taesd: Taesd,
  { picture, latents }: Walked,
  { block, alone }: { block: Step; alone: Tensor },
  { signal, quiet }: Pace,
): Promise<Tensor> {
  let output = alone;
  const input = block.part === 'encoder' ? picture : latents;
  for await (const step of taesd.steps(input, { signal })) {
    if (step.name === block.name) step.output.data.set(alone.data);
    output = step.output;
    await quiet();
  }
  return output;
}

/**
 * The picture of a decoder's output [1, 3, H, W] or [1, 4, H, W], cut to a size, rounded as
 * `decode` does.
 */
export function pictureOf({ shape, data }: Tensor, width: number, height: number): Picture {
  const [, channels, rows, columns] = shape;
  const out = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      const from = (channel * rows + y) * columns;
      for (let x = 0; x < width; x++) {
        out[4 * (y * width + x) + channel] = Math.floor(data[from + x] * 255 + 0.5);
      }
    }
  }
  return { width, height, data: out };
}
