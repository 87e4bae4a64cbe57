import { type BoundNetwork, bindNetwork } from '../../src/model/bind.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
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
 * Small networks that have every layer, in every company that changes how it is run.
 */

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
