import { type BoundNetwork, bindNetwork } from '../../src/model/bind.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  frameConv,
  type Layer,
  memBlock,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import { weightShapes } from '../../src/model/measure.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * Layers of every kind alone, and small networks that have them in every company that changes how
 * they are run.
 */

/** Layers of one kind that are compared with the reference. */
interface Sample {
  readonly layers: readonly Layer[];
  /** The channels of their input. Defaults to 3. */
  readonly channels?: number;
  /** The largest difference to the reference, on any backend. */
  readonly bound: number;
  /** The largest difference of the WASM kernels. Defaults to `bound`. */
  readonly wasmBound?: number;
}

/**
 * Blocks, normalisations and layers on frames are missing: the networks below have them. The pools
 * of some blocks have a normalisation.
 */
type Sampled = Exclude<Layer['kind'], 'block' | 'memBlock' | 'frameConv' | 'groupNorm'>;

const SAMPLES: Readonly<Record<Sampled, Sample>> = {
  conv: { layers: convolutions(3, 5), bound: 1e-5 },
  relu: { layers: [relu()], bound: 0 },
  upsample2x: { layers: [upsample2x()], bound: 0 },
  clamp: { layers: [clamp(3)], bound: 1e-5, wasmBound: 1e-6 },
  pixelShuffle: { layers: [pixelShuffle(3)], channels: 18, bound: 0 },
  pixelUnshuffle: { layers: [pixelUnshuffle(2), pixelUnshuffle(4)], bound: 0 },
};

/** Convolutions of each kernel and stride, with and without bias. */
function convolutions(cin: number, cout: number): Layer[] {
  const strides = [1, 2] as const;
  const kernels = [1, 3] as const;
  return strides.flatMap((stride) =>
    kernels.flatMap((kernel) =>
      [true, false].map((bias): Layer => ({ kind: 'conv', cin, cout, kernel, stride, bias })),
    ),
  );
}

/** Returns every sample with random weights and an input of two pictures. */
export function sampleLayers(random: () => number, height: number, width: number) {
  return Object.values(SAMPLES).flatMap(({ layers, channels = 3, bound, wasmBound = bound }) => {
    const input = randomTensor(random, [2, channels, height, width], 2);
    return layers.map((layer) => {
      const weights = [...weightShapes(layer)].map(
        ([name, shape]) => [name, randomTensor(random, shape)] as const,
      );
      return { layer: { layer, weights: new Map(weights) }, input, bound, wasmBound };
    });
  });
}

export const NETWORKS: Record<string, Network> = {
  'a block whose widths differ': [conv3x3(3, 8), block(8, 20), conv3x3(20, 2)],
  'a block whose widths shrink': [conv3x3(1, 20), block(20, 4), block(4)],
  'every layer': [
    clamp(),
    conv3x3(5, 12),
    relu(),
    upsample2x(),
    block(12),
    conv1x1(12, 7),
    conv3x3(7, 3, { stride: 2 }),
  ],
  'pixel shuffles, there and back': [
    pixelUnshuffle(2),
    conv3x3(20, 32),
    relu(),
    conv3x3(32, 12),
    pixelShuffle(2),
    conv3x3(3, 16),
    pixelShuffle(4),
  ],
  'two upsamplings': [upsample2x(), conv3x3(5, 6, { bias: false }), upsample2x(), relu()],
  'blocks with a pool, first, in the middle and last': [
    block(16, 16, { pool: true }),
    upsample2x(),
    conv3x3(16, 8, { bias: false }),
    block(8, 12, { pool: true }),
    relu(),
    conv3x3(12, 32, { stride: 2 }),
    block(32, 32, { pool: true }),
  ],
  'pools of widths that 4 does not divide': [
    block(6, 7, { pool: true }),
    block(7, 5, { pool: true }),
  ],
  'frames with a memory': [
    conv3x3(3, 16),
    memBlock(16, { from: 1 }),
    memBlock(16),
    frameConv(conv3x3(16, 8, { stride: 2, bias: false }), 2),
    conv3x3(8, 16),
    frameConv(conv3x3(16, 16, { bias: false }), 1),
    frameConv(conv3x3(16, 16, { stride: 2, bias: false }), 2),
    upsample2x(),
    frameConv(conv3x3(16, 32, { bias: false }), 1),
    memBlock(32),
    memBlock(32, { to: 1 }),
    upsample2x(),
    conv3x3(32, 3),
  ],
  'a chain of blocks': [conv3x3(3, 16), block(16), block(16), conv3x3(16, 3)],
  'Winograd in each of its uses': [
    conv3x3(5, 32),
    upsample2x(),
    conv3x3(32, 48, { bias: false }),
    relu(),
    block(48, 16),
    upsample2x(),
    conv3x3(16, 16),
    block(16),
    conv3x3(16, 4, { stride: 2 }),
  ],
};

export function randomInput([layer]: Network, height: number, width: number): Tensor {
  const cin = 'cin' in layer ? layer.cin : 5;
  return randomTensor(seededRandom(height * 100 + width), [1, cin, height, width], 3);
}

/** A network with random weights, scaled so that values stay near 1. */
export function randomNetwork(network: Network, seed: number): BoundNetwork {
  const random = seededRandom(seed);
  const tensors = new Map<string, Tensor>();
  for (const [index, layer] of network.entries()) {
    for (const [name, shape] of weightShapes(layer)) {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      tensors.set(`${index}.${name}`, randomTensor(random, shape, Math.sqrt(6 / fanIn)));
    }
  }
  return bindNetwork('network', network, tensors);
}
