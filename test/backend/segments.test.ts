import { expect, test } from 'vitest';
import { cut, joined, wholeMapBytes } from '../../src/backend/barriers.ts';
import { localRunner, type RowBatch, type Runner } from '../../src/backend/batches.ts';
import { foldPool } from '../../src/backend/fold-pool.ts';
import { Pacer } from '../../src/backend/pacer.ts';
import { operators } from '../../src/backend/reference.ts';
import { CompactMachine } from '../../src/backend/wasm/machine.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { momentsOn, startMoments } from '../../src/backend/wasm/moments.ts';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import type { BoundLayer } from '../../src/model/bind.ts';
import { block, conv1x1, conv3x3, groupNorm, poolOps } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { tensorRows } from '../../src/rows.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomNetwork } from '../conformance/random-networks.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * Networks that are cut where a layer needs a whole map, and the normalisation that is folded into
 * a convolution.
 */

const onKernels = async () => startMoments(await compileKernels());

const bound = (half: 'encoder' | 'decoder', model: 'taef2' | 'taesd' = 'taef2') =>
  randomNetwork(VARIANTS[model].networks[half], 3);

test('cut: both halves of taef2 → before each block with a pool; taesd → one piece', async () => {
  const lengths = async (half: 'encoder' | 'decoder', model?: 'taesd') =>
    (await cut(bound(half, model), 'fast')).map(({ network }) => network.length);
  expect(await lengths('encoder')).toEqual([11, 1, 1, 2]);
  expect(await lengths('decoder')).toEqual([3, 1, 1, 15]);
  expect(await lengths('encoder', 'taesd')).toEqual([15]);
});

test('cut: taef2 in fast → segments at the latent’s size alone are f32', async () => {
  const precisions = async (half: 'encoder' | 'decoder') =>
    (await cut(bound(half), 'fast')).map(({ precision }) => precision);
  expect(await precisions('encoder')).toEqual(['fast', 'f32', 'f32', 'f32']);
  expect(await precisions('decoder')).toEqual(['f32', 'f32', 'f32', 'fast']);
});

test('wholeMapBytes: taef2 → two maps of 64 channels, 512 bytes a pixel; taesd → 0', async () => {
  expect(wholeMapBytes(await cut(bound('decoder'), 'f32'))).toBe(512);
  expect(wholeMapBytes(await cut(bound('encoder'), 'f32'))).toBe(512);
  expect(wholeMapBytes(await cut(bound('decoder', 'taesd'), 'f32'))).toBe(0);
});

test('operators.layer: group norm of 4 channels in 2 groups → mean 0, variance 1, then weight and bias', () => {
  const layer = groupNorm(2, 4);
  const weights = new Map<string, Tensor>([
    ['weight', { shape: [4], data: Float32Array.of(1, 2, 1, 1) }],
    ['bias', { shape: [4], data: Float32Array.of(0, 10, 0, 5) }],
  ]);
  const input: Tensor = { shape: [1, 4, 1, 2], data: Float32Array.of(1, 3, 1, 3, 7, 7, 7, 7) };
  const { data } = operators.layer({ layer, weights }, input);
  const one = 1 / Math.sqrt(1 + 1e-5);
  const wanted = [-one, one, 10 - 2 * one, 10 + 2 * one, 0, 0, 5, 5];
  for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 6);
});

/** Returns the output of a fold's convolution, and that of the operations one by one. */
async function foldedAndPlain(layer: BoundLayer, map: Tensor) {
  const work = foldPool(layer, tensorRows(map), await onKernels());
  let step = work.next();
  while (!step.done) step = work.next();
  const { weight, bias } = step.value;
  const conv = conv1x1(weight.shape[1], weight.shape[0]);
  const folded = new Map([
    ['weight', weight],
    ['bias', bias],
  ]);
  const got = operators.layer({ layer: conv, weights: folded }, map);
  const [widen, norm] = poolOps(layer.layer as ReturnType<typeof block>);
  const inside = (name: string) =>
    new Map(
      ['weight', 'bias'].flatMap((kind) => {
        const tensor = layer.weights.get(`${name}.${kind}`);
        return tensor === undefined ? [] : [[kind, tensor] as const];
      }),
    );
  const wide = operators.layer({ layer: widen!.layer, weights: inside('pool.0') }, map);
  const wanted = operators.layer({ layer: norm!.layer, weights: inside('pool.1') }, wide);
  return { got: got.data, wanted: wanted.data };
}

for (const [what, offset, bound] of [
  ['around 0', 0, 1e-5],
  // The numbers have 24 bits, so a deviation of 1 about 1000 has 14 of them.
  ['around 1000, deviation 1', 1000, 5e-3],
] as const) {
  test(`foldPool: a map ${what} → the normalisation within ${bound}`, async () => {
    const random = seededRandom(11);
    const [layer] = randomNetwork([block(8, 8, { pool: true })], 5);
    const map = randomTensor(random, [1, 8, 9, 7], 1);
    const input = { ...map, data: map.data.map((value) => value + offset) };
    const { got, wanted } = await foldedAndPlain(layer, input);
    let off = 0;
    for (let i = 0; i < got.length; i++) off = Math.max(off, Math.abs(got[i] - wanted[i]));
    expect(off).toBeLessThan(bound);
  });
}

test('foldPool: one pixel, equal numbers → finite, since epsilon is added to the variance', async () => {
  const [layer] = randomNetwork([block(8, 8, { pool: true })], 5);
  const { got, wanted } = await foldedAndPlain(layer, {
    shape: [1, 8, 1, 1],
    data: new Float32Array(8),
  });
  expect([...got]).toEqual([...wanted].map((value) => expect.closeTo(value, 5)));
});

const NETWORK = [conv3x3(3, 16, { stride: 2 }), block(16, 16, { pool: true }), conv3x3(16, 4)];

async function segmented(): Promise<Runner> {
  const backend = await createWasmBackend();
  const segments = await cut(randomNetwork(NETWORK, 8), 'f32');
  const runners = segments.map(({ network }) => localRunner(backend.compile(network)));
  return joined(segments, runners, onKernels);
}

test('segmentedRunner: progress → rows in proportion to multiply-adds, up to all', async () => {
  const runner = await segmented();
  const source = tensorRows(randomTensor(seededRandom(1), [1, 3, 64, 64], 1));
  const done: number[] = [];
  let rows = 0;
  // A pacer that is always due hands out each row as it is made.
  const pacer = new Pacer(undefined);
  Object.defineProperty(pacer, 'due', { value: true });
  for await (const batch of runner.batches(source, { first: 0, end: 32 }, pacer)) {
    done.push((batch as RowBatch).done as number);
    rows += batch.count;
  }
  expect(rows).toBe(32);
  expect(done.at(-1)).toBe(32);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(new Set(done).size).toBeGreaterThan(20);
});

test('segmentedRunner: a signal that fires between two rows of the first segment → ABORTED, then the next run is whole', async () => {
  const runner = await segmented();
  const source = tensorRows(randomTensor(seededRandom(1), [1, 3, 64, 64], 1));
  const controller = new AbortController();
  const pacer = new Pacer(controller.signal);
  Object.defineProperty(pacer, 'due', { value: true });
  const run = async () => {
    for await (const _ of runner.batches(source, { first: 0, end: 32 }, pacer)) controller.abort();
  };
  await expect(run()).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }));
  let rows = 0;
  const again = runner.batches(source, { first: 0, end: 32 }, new Pacer(undefined));
  for await (const { count } of again) rows += count;
  expect(rows).toBe(32);
});

test('segmentedRunner: a signal that fires in the middle of the statistics → ABORTED, then the next run is whole', async () => {
  const backend = await createWasmBackend();
  const machine = await CompactMachine.start(await compileKernels(), undefined);
  const network = randomNetwork([block(16, 16, { pool: true }), conv3x3(16, 4)], 8);
  const segments = await cut(network, 'f32');
  const runner = await joined(
    segments,
    segments.map(({ network }) => localRunner(backend.compile(network))),
    async () => momentsOn(machine),
  );
  const free = machine.memory.mark();
  const source = tensorRows(randomTensor(seededRandom(1), [1, 16, 20, 20], 1));
  // The rows are read once for the means, once for the covariance, then by the kernels.
  for (const last of [5, 25]) {
    let reads = 0;
    const controller = new AbortController();
    const pacer = new Pacer(controller.signal);
    Object.defineProperty(pacer, 'due', { value: true });
    const counted = {
      ...source,
      read(...row: Parameters<typeof source.read>) {
        if (++reads === last) controller.abort();
        source.read(...row);
      },
    };
    let rows = 0;
    const run = async () => {
      for await (const { count } of runner.batches(counted, { first: 0, end: 20 }, pacer)) {
        rows += count;
      }
    };
    await expect(run()).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }));
    expect([reads, rows]).toEqual([last, 0]);
    expect(machine.memory.mark(), 'memory of the statistics').toBe(free);
  }
  let rows = 0;
  for await (const { count } of runner.batches(
    source,
    { first: 0, end: 20 },
    new Pacer(undefined),
  )) {
    rows += count;
  }
  expect(rows).toBe(20);
});
