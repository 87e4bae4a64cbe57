import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  loadNetwork,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  runNetwork,
  type Tensor,
  upsample2x,
} from '../../src/network/index.ts';
import { checkClose } from '../conformance/close.ts';
import { randomLayers } from '../network/random-layers.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { networkTensors } from '../small-model.ts';
import {
  type ApiCase,
  codeOf,
  keptDevice,
  newDevice,
  same,
  sameBytes,
  takeStock,
} from './case-tools.ts';

/*
 * Networks of callers.
 */

const NETWORKS: readonly (readonly [channels: number, layers: Network])[] = [
  [4, [conv3x3(4, 64), relu(), block(64), conv3x3(64, 4)]],
  [3, [relu(), pixelUnshuffle(3), conv3x3(27, 70), upsample2x(), block(70, 13), conv1x1(13, 1)]],
  [36, [clamp(2), pixelShuffle(2), block(9, 7, { pool: true }), conv3x3(7, 5, { stride: 2 })]],
  [6, [block(6, 6, { pool: true }), upsample2x(), upsample2x(), block(6, 16, { pool: true })]],
  [1, [{ kind: 'conv', cin: 1, cout: 2, kernel: 1, stride: 2, bias: false }, upsample2x()]],
];

/** The number of random networks. Each takes half a second on a software adapter. */
const SEEDS = 20;

const peakOf = ({ data }: Tensor) =>
  data.reduce((peak, value) => Math.max(peak, Math.abs(value)), 1);

export const NETWORK_CASES: readonly ApiCase[] = [
  ...NETWORKS.map(
    ([channels, layers], n): ApiCase => ({
      name: `network ${n}: ${layers.map(({ kind }) => kind).join(', ')}, on a device → within 1e-5 of the reference, equal runs; dispose → nothing left`,
      shared: false,
      async run() {
        const device = await keptDevice();
        const { live, complaints } = takeStock(device);
        const weights = networkTensors(layers, n);
        const network = await loadNetwork(layers, weights, { device, fallback: false });
        const reference = await loadNetwork(layers, weights, { backend: 'reference' });
        same('backend', network.info.backend, 'webgpu');
        let largest = 0;
        for (const [height, width] of [
          [1, 1],
          [9, 13],
          [30, 40],
        ]) {
          const input = randomTensor(seededRandom(width), [2, channels, height, width], 2);
          const wanted = await reference.run(input);
          const peak = peakOf(wanted);
          const got = await network.run(input);
          const what = `${width}×${height}`;
          largest = Math.max(largest, checkClose(what, got, wanted, 1e-5 * peak) / peak);
          sameBytes('again', (await network.run(input)).data, got.data);
        }
        const { memoryBytes } = network;
        network.dispose();
        const input = randomTensor(seededRandom(1), [1, channels, 1, 1], 2);
        same('after dispose', await codeOf(network.run(input)), 'ARG');
        same('left', live.size, 0);
        same('complaints', complaints, []);
        return `off by ${largest.toExponential(1)}, ${memoryBytes} bytes`;
      },
    }),
  ),
  {
    name: 'network: random layers → on a device within 1e-5 of the reference',
    shared: false,
    async run() {
      const device = await keptDevice();
      let largest = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = seededRandom(seed);
        const { layers, input } = randomLayers(random);
        const weights = networkTensors(layers, seed);
        const tensor = randomTensor(random, [1, ...input], 2);
        const wanted = await runNetwork(layers, weights, tensor, { backend: 'reference' });
        const got = await runNetwork(layers, weights, tensor, { device, fallback: false });
        const peak = peakOf(wanted);
        const off = checkClose(`seed ${seed}`, got, wanted, 1e-5 * peak);
        largest = Math.max(largest, off / peak);
      }
      return `off by ${largest.toExponential(1)}`;
    },
  },
  {
    name: 'network: the device lost between two runs → WASM makes the second; aborted → ABORTED, and the next one works',
    shared: false,
    async run() {
      const [[channels, layers]] = NETWORKS;
      const weights = networkTensors(layers, 0);
      const device = await newDevice();
      const network = await loadNetwork(layers, weights, { device });
      const wasm = await loadNetwork(layers, weights);
      const input = randomTensor(seededRandom(3), [1, channels, 20, 30], 2);
      const wanted = await wasm.run(input);
      checkClose('on the device', await network.run(input), wanted, 1e-4);
      const signal = AbortSignal.abort();
      same('aborted', await codeOf(network.run(input, { signal })), 'ABORTED');
      device.destroy();
      sameBytes('on WASM', (await network.run(input)).data, wanted.data);
      const { backend, backendReason = '' } = network.info;
      same('backend', backend, 'wasm');
      network.dispose();
      wasm.dispose();
      return backendReason;
    },
  },
];
