import { beforeAll, expect, test } from 'vitest';
import type { Backend, Program } from '../../src/backend/backend.ts';
import { referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  type Network,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import { weightShapes } from '../../src/model/measure.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The WASM backend against the reference backend: operators and small networks with random weights and sizes.
 */

let wasm: WasmBackend;
beforeAll(async () => {
  wasm = await createWasmBackend();
});

const SIZES = [1, 2, 3, 4, 5, 8, 9];

for (const height of SIZES) {
  for (const width of SIZES) {
    test(`operators [wasm]: 2 pictures of ${width}×${height} → as the reference`, () => {
      const random = seededRandom(100 * height + width);
      const x = randomTensor(random, [2, 3, height, width], 2);
      const y = randomTensor(random, [2, 3, height, width], 2);
      const bias = randomTensor(random, [5]);
      const both = (run: (operators: Backend['operators']) => Tensor, bound: number) =>
        expectClose(run(wasm.operators), run(referenceBackend.operators), bound);
      for (const stride of [1, 2] as const) {
        const weight = randomTensor(random, [5, 3, 3, 3]);
        both((ops) => ops.conv2d(x, weight, bias, stride), 1e-5);
        both((ops) => ops.conv2d(x, weight, undefined, stride), 1e-5);
      }
      both((ops) => ops.conv2d(x, randomTensor(seededRandom(1), [5, 3, 1, 1]), bias, 1), 1e-5);
      both((ops) => ops.relu(x), 0);
      both((ops) => ops.add(x, y), 0);
      both((ops) => ops.upsample2x(x), 0);
      both((ops) => ops.clamp(x, 3), 1e-6);
    });
  }
}

const NETWORKS: Record<string, Network> = {
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
  'two upsamplings': [upsample2x(), conv3x3(5, 6, { bias: false }), upsample2x(), relu()],
};

/** A network with random weights, scaled so that values stay near 1. */
function randomNetwork(network: Network, seed: number) {
  const random = seededRandom(seed);
  const tensors = new Map<string, Tensor>();
  for (const [index, layer] of network.entries()) {
    for (const [name, shape] of weightShapes(layer)) {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      tensors.set(`${index}.${name}`, randomTensor(random, shape, Math.sqrt(6 / fanIn)));
    }
  }
  return bindNetwork('randomNetwork', 'network', network, tensors);
}

function runAll(program: Program, input: Tensor) {
  const layers: Tensor[] = [];
  const run = program.run(input, (_, read) => layers.push(read()));
  let doneWork = 0;
  for (;;) {
    const step = run.next();
    if (step.done) return { output: step.value, layers, doneWork };
    doneWork += step.value;
  }
}

for (const [name, network] of Object.entries(NETWORKS)) {
  test(`Program [wasm]: ${name}, sizes 1×1 to 9×9 → every layer as the reference`, () => {
    const bound = randomNetwork(network, name.length);
    const [onWasm, onReference] = [wasm.compile(bound), referenceBackend.compile(bound)];
    const [{ layer }] = bound;
    const cin = 'cin' in layer ? layer.cin : 5;
    for (const height of SIZES) {
      for (const width of SIZES) {
        const input = randomTensor(seededRandom(height * 10 + width), [1, cin, height, width], 3);
        const [ours, wanted] = [runAll(onWasm, input), runAll(onReference, input)];
        expect(ours.layers.length).toBe(network.length);
        for (const [i, output] of ours.layers.entries())
          expectClose(output, wanted.layers[i], 2e-5);
        expectClose(ours.output, wanted.output, 2e-5);
      }
    }
  });
}

test('Program [wasm]: a run that is left in the middle → its memory is free for the next', () => {
  const bound = randomNetwork(NETWORKS['every layer'], 5);
  const program = wasm.compile(bound);
  const input = randomTensor(seededRandom(3), [1, 5, 40, 40]);
  const before = runAll(program, input).output;
  const bytes = wasm.memoryBytes();
  for (let i = 0; i < 20; i++) {
    const run = program.run(input);
    run.next();
    run.return(input);
  }
  expect(runAll(program, input).output).toEqual(before);
  expect(wasm.memoryBytes()).toBe(bytes);
});
