import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { isAbort } from '../../src/index.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  type LoadedNetwork,
  loadNetwork,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  runNetwork,
  upsample2x,
} from '../../src/network/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { documentedCode } from '../docs/blocks.mjs';
import { inFolder, runModule } from '../docs/in-folder.ts';
import { rounds, sampled } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { networkTensors, randomTensors, randomWeights } from '../small-model.ts';
import { randomLayers } from './random-layers.ts';

const peakOf = ({ data }: Tensor) =>
  data.reduce((peak, value) => Math.max(peak, Math.abs(value)), 1);

/** A network of every kind that has no barrier, and its weights. */
const LAYERS: Network = [
  pixelUnshuffle(2),
  conv3x3(12, 32, { bias: false }),
  relu(),
  block(32),
  upsample2x(),
  conv1x1(32, 20),
  clamp(2),
  pixelShuffle(2),
  block(5, 6),
  conv3x3(6, 4, { stride: 2 }),
];
const WEIGHTS = networkTensors(LAYERS, 5);
const inputOf = (height: number, width: number, batch = 1) =>
  randomTensor(seededRandom(height * width), [batch, 3, height, width], 2);
const INPUT = inputOf(9, 13);

describe('random networks', () => {
  const kinds = new Map<string, number>();
  const count = (kind: string) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  let largest = 0;

  for (let seed = 1; seed <= rounds(20, 100); seed++) {
    test(`random layers, seed ${seed} → two equal runs, within 1e-5 of the reference`, async () => {
      const random = seededRandom(seed);
      const { layers, input } = randomLayers(random);
      for (const layer of layers) {
        count(layer.kind === 'block' && layer.pool ? 'block with a pool' : layer.kind);
      }
      const weights = networkTensors(layers, seed);
      const tensor = randomTensor(random, [1 + (seed % 2), ...input], 2);
      const wanted = await runNetwork(layers, weights, tensor, { backend: 'reference' });
      const network = await loadNetwork(layers, weights);
      const got = await network.run(tensor);
      largest = Math.max(largest, expectClose(got, wanted, 1e-5 * peakOf(wanted)) / peakOf(wanted));
      expect(await network.run(tensor)).toEqual(got);
      network.dispose();
    });
  }

  test('those networks → layers of every kind', () => {
    console.log(`random networks: within ${largest.toExponential(1)} of the reference`);
    expect([...kinds.keys()].sort()).toEqual([
      'block',
      'block with a pool',
      'clamp',
      'conv',
      'pixelShuffle',
      'pixelUnshuffle',
      'relu',
      'upsample2x',
    ]);
    expect(largest).toBeGreaterThan(0);
  });
});

test.each([1, 2, 3, 5, 6, 7, 9])(
  'a block with a pool, %d channels → within 1e-5 of the reference',
  async (cin) => {
    const layers = [relu(), block(cin, 3, { pool: true }), block(3, cin, { pool: true })];
    const weights = networkTensors(layers, cin);
    const tensor = randomTensor(seededRandom(cin), [1, cin, 11, 17], 2);
    const wanted = await runNetwork(layers, weights, tensor, { backend: 'reference' });
    const got = await runNetwork(layers, weights, tensor);
    expectClose(got, wanted, 1e-5 * peakOf(wanted));
  },
);

test('both halves of models, with their weights → what encode and decode give, to the bit', async () => {
  for (const model of sampled<ModelName>(['nano'], ['nano', 'taef2'])) {
    const [encoder, decoder] = [randomWeights(model, 'encoder'), randomWeights(model, 'decoder')];
    const taesd = await Taesd.load({ model, weights: { encoder, decoder }, workers: 0 });
    const { networks, latentChannels } = VARIANTS[model];
    const latents = randomTensor(seededRandom(7), [2, latentChannels, 5, 6], 2);
    const decoded = await taesd.decode(latents, { output: 'tensor' });
    const given = randomTensors(model, 'decoder');
    expect(await runNetwork(networks.decoder, given, latents)).toEqual(decoded);
    // A picture whose sides 8 divides: nano's last column is not repeated.
    const picture = randomTensor(seededRandom(8), [1, 3, 16, 24], 1);
    const encoded = await taesd.encode(picture, { range: '[0,1]' });
    expect(await runNetwork(networks.encoder, encoder, picture)).toEqual(encoded);
    taesd.dispose();
  }
});

test('docs/network.md: its example → the shape and the backend it prints', async () => {
  await inFolder((folder) => {
    const stdout = runModule(folder, documentedCode('docs/network.md', 'js', 'network.mjs'));
    expect(stdout).toMatch(/^\[ 1, 4, 64, 64 \]\nwasm \d{6,}\n$/);
  });
});

describe('weights and tensors', () => {
  const file = writeSafetensors(WEIGHTS);
  const run = (weights: never, tensor: unknown = INPUT) =>
    runNetwork(LAYERS, weights, tensor as never);

  test('a Map, the bytes of a file, an ArrayBuffer, a view, another realm’s → one result', async () => {
    const wanted = await runNetwork(LAYERS, WEIGHTS, INPUT);
    expect(wanted.shape).toEqual([1, 4, 10, 14]);
    const { buffer } = new Uint8Array(file);
    const wide = new Uint8Array(file.length + 16);
    wide.set(file, 7);
    const others = runInNewContext(
      `({ map: new Map(), list: JSON.parse(layers), bytes: Uint8Array.from(file),
         tensor: { shape: Array.from(shape), data: Float32Array.from(data) } })`,
      { file, ...INPUT, layers: JSON.stringify(LAYERS) },
    );
    for (const [name, { shape, data }] of WEIGHTS) {
      others.map.set(name, { shape, data: new Float64Array(data) });
    }
    for (const weights of [
      file,
      buffer,
      wide.subarray(7, 7 + file.length),
      new DataView(buffer),
      others.map,
      others.bytes,
      others.bytes.buffer,
    ]) {
      expect(await run(weights as never)).toEqual(wanted);
    }
    expect(await runNetwork(others.list, others.map, others.tensor)).toEqual(wanted);
  });

  test('layers, weights and tensor changed after the call → as they were', async () => {
    const wanted = await runNetwork(LAYERS, WEIGHTS, INPUT);
    const layers = LAYERS.map((layer) => ({ ...layer }));
    const weights = new Map(
      [...WEIGHTS].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    );
    const bytes = file.slice();
    const tensors = [0, 1].map(() => ({ ...INPUT, data: INPUT.data.slice() }));
    const running = [
      runNetwork(layers, weights, tensors[0]),
      runNetwork(layers, bytes, tensors[1]),
      loadNetwork(layers, weights).then((network) => network.run(INPUT)),
    ];
    layers.length = 0;
    bytes.fill(0);
    for (const { data } of [...weights.values(), ...tensors]) data.fill(NaN);
    weights.clear();
    for (const got of await Promise.all(running)) expect(got).toEqual(wanted);
  });

  test('tensors of other libraries, on a GPU too → the numbers they describe', async () => {
    const wanted = await runNetwork(LAYERS, WEIGHTS, INPUT);
    const { data, shape } = INPUT;
    const [, channels, height, width] = shape;
    const last = new Float32Array(data.length);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height * width; i++)
        last[i * channels + c] = data[c * height * width + i];
    }
    const gpu = (tensor: Tensor) => ({
      dims: tensor.shape,
      location: 'gpu-buffer',
      getData: async () => tensor.data,
    });
    const onGpu = new Map([...WEIGHTS].map(([name, tensor]) => [name, gpu(tensor)]));
    for (const tensor of [
      { dims: shape.slice(1), data },
      { shape, data: new Float64Array(data), dtype: 'float64' },
      { shape: [1, height, width, channels], data: last, layout: 'NHWC' },
      gpu(INPUT),
    ]) {
      expect(await run(WEIGHTS as never, tensor)).toEqual(wanted);
      expect(await run(onGpu as never, tensor)).toEqual(wanted);
    }
  });
});

describe('a loaded network', () => {
  test('many calls at once → in turns, each with its own result; progress by rows', async () => {
    const network = await loadNetwork(LAYERS, WEIGHTS);
    const inputs = [inputOf(9, 13), inputOf(1, 1, 3), inputOf(40, 30), inputOf(9, 13)];
    const order: number[] = [];
    const all = await Promise.all(
      inputs.map((input, n) =>
        network.run(input).then((output) => {
          order.push(n);
          return output;
        }),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3]);
    for (const [n, input] of inputs.entries()) {
      expect(all[n]).toEqual(await runNetwork(LAYERS, WEIGHTS, input));
    }
    const told: number[][] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      told.push([done, total]);
    await network.run(inputOf(8, 8, 2), { onProgress });
    expect(told[told.length - 1]).toEqual([16, 16]);
    network.dispose();
  });

  test('40 runs → memory that does not grow; dispose, using → no memory', async () => {
    const network = await loadNetwork(LAYERS, WEIGHTS);
    expect(network.info).toEqual({ backend: 'wasm', workers: 0 });
    const before = network.memoryBytes;
    expect(before).toBeGreaterThan(64_000);
    const input = inputOf(40, 30);
    const first = await network.run(input);
    const bytes = network.memoryBytes;
    for (let i = 0; i < 40; i++) expect(await network.run(input)).toEqual(first);
    expect(network.memoryBytes).toBe(bytes);
    const last = network.run(input);
    const waiting = network.run(input);
    network.dispose();
    network.dispose();
    const message = 'network.run: this network was disposed';
    for (const call of await Promise.allSettled([last, waiting])) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'ARG', message } });
    }
    await expect(network.run(input)).rejects.toMatchObject({ code: 'ARG' });
    expect(network.memoryBytes).toBe(0);
    let kept: LoadedNetwork;
    {
      using used = await loadNetwork(LAYERS, WEIGHTS);
      kept = used;
    }
    await expect(kept.run(input)).rejects.toMatchObject({ code: 'ARG' });
  });

  test('errors, aborts, callbacks that throw → the next call works', async () => {
    const network = await loadNetwork(LAYERS, WEIGHTS);
    const wanted = await network.run(INPUT);
    await expect(network.run({ shape: [1, 4, 2, 2], data: new Float32Array(16) })).rejects.toThrow(
      'network.run: "tensor" expected shape [N,3,h,w], got [1,4,2,2]',
    );
    const boom = new Error('of the caller');
    const onProgress = () => {
      throw boom;
    };
    await expect(network.run(INPUT, { onProgress })).rejects.toBe(boom);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const refused = await network.run(INPUT, { signal }).catch((error) => error);
    expect([isAbort(refused), refused.cause]).toEqual([true, reason]);
    const controller = new AbortController();
    const running = network.run(inputOf(900, 700), { signal: controller.signal });
    const behind = network.run(INPUT, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    for (const call of await Promise.allSettled([running, behind])) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    }
    expect(await network.run(INPUT)).toEqual(wanted);
    network.dispose();
    for (const call of [
      loadNetwork(LAYERS, WEIGHTS, { signal }),
      runNetwork(LAYERS, WEIGHTS, INPUT, { signal }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    }
  });

  test('2 workers → the bits of this thread, as many as info says', async () => {
    const layers = [conv3x3(3, 32), relu(), block(32, 32, { pool: true }), block(32), upsample2x()];
    const weights = networkTensors(layers, 9);
    const input = inputOf(120, 90);
    const wanted = await runNetwork(layers, weights, input);
    const network = await loadNetwork(layers, weights, { workers: 2 });
    expect(network.info).toEqual({ backend: 'wasm', workers: 2 });
    expect(await network.run(input)).toEqual(wanted);
    expect(await network.run(input)).toEqual(wanted);
    network.dispose();
  });

  test('allowNonFinite → NaN passes; without → NONFINITE', async () => {
    const tensor = { ...INPUT, data: INPUT.data.map(() => Number.NaN) };
    await expect(runNetwork(LAYERS, WEIGHTS, tensor)).rejects.toMatchObject({
      code: 'NONFINITE',
      message:
        'runNetwork: "tensor" expected finite numbers, got NaN at element 0 (allowNonFinite: true lets it pass)',
    });
    const { data } = await runNetwork(LAYERS, WEIGHTS, tensor, { allowNonFinite: true });
    expect(data.some(Number.isNaN)).toBe(true);
  });

  test('backend webgpu without WebGPU → WASM, and why; fallback: false → UNSUPPORTED', async () => {
    const wanted = await runNetwork(LAYERS, WEIGHTS, INPUT);
    for (const backend of ['webgpu', 'auto'] as const) {
      const network = await loadNetwork(LAYERS, WEIGHTS, { backend });
      const backendReason = 'no WebGPU in this runtime';
      expect(network.info).toEqual({ backend: 'wasm', backendReason, workers: 0 });
      expect(await network.run(INPUT)).toEqual(wanted);
      network.dispose();
      await expect(
        loadNetwork(LAYERS, WEIGHTS, { backend, fallback: false }),
      ).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    }
    const reference = await loadNetwork(LAYERS, WEIGHTS, { backend: 'reference' });
    expect(reference.info).toEqual({ backend: 'reference', workers: 0 });
  });

  test('maxMemory too small for the weights, or for a row → LIMIT, and smaller work runs', async () => {
    await expect(loadNetwork(LAYERS, WEIGHTS, { maxMemory: 70_000 })).rejects.toMatchObject({
      code: 'LIMIT',
    });
    const network = await loadNetwork(LAYERS, WEIGHTS, { maxMemory: 2 ** 22 });
    await expect(network.run(inputOf(1, 40_000))).rejects.toMatchObject({ code: 'LIMIT' });
    expect(await network.run(INPUT)).toEqual(await runNetwork(LAYERS, WEIGHTS, INPUT));
    network.dispose();
  });
});
