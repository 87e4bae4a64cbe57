import { beforeAll, expect, test } from 'vitest';
import type { Operators } from '../../src/backend/backend.ts';
import { operators, referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.ts';
import { bindNetwork } from '../../src/model/bind.ts';
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
import { tensorRows } from '../../src/rows.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { operatorsOnWasm } from './operators-on-wasm.ts';

/*
 * The WASM backend against the reference backend: operators and small networks with random weights and sizes.
 */

let wasm: WasmBackend;
let onWasm: Operators;
beforeAll(async () => {
  wasm = await createWasmBackend();
  onWasm = await operatorsOnWasm();
});

const SIZES = [1, 2, 3, 4, 5, 8, 9];

for (const height of SIZES) {
  for (const width of SIZES) {
    test(`operators [wasm]: 2 pictures of ${width}×${height} → as the reference`, () => {
      const random = seededRandom(100 * height + width);
      const x = randomTensor(random, [2, 3, height, width], 2);
      const y = randomTensor(random, [2, 3, height, width], 2);
      const bias = randomTensor(random, [5]);
      const both = (run: (operators: Operators) => Tensor, bound: number) =>
        expectClose(run(onWasm), run(operators), bound);
      for (const stride of [1, 2] as const) {
        const weight = randomTensor(random, [5, 3, 3, 3]);
        both((ops) => ops.conv2d(x, weight, bias, stride), 1e-5);
        both((ops) => ops.conv2d(x, weight, undefined, stride), 1e-5);
        const matrix = randomTensor(random, [5, 3, 1, 1]);
        both((ops) => ops.conv2d(x, matrix, bias, stride), 1e-5);
      }
      both((ops) => ops.relu(x), 0);
      both((ops) => ops.add(x, y), 0);
      both((ops) => ops.upsample2x(x), 0);
      both((ops) => ops.clamp(x, 3), 1e-6);
      const channels = randomTensor(random, [2, 18, height, width]);
      both((ops) => ops.pixelShuffle(channels, 3), 0);
      both((ops) => ops.pixelUnshuffle(x, 2), 0);
      both((ops) => ops.pixelUnshuffle(x, 4), 0);
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

function randomInput([layer]: Network, height: number, width: number): Tensor {
  const cin = 'cin' in layer ? layer.cin : 5;
  return randomTensor(seededRandom(height * 100 + width), [1, cin, height, width], 3);
}

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

/** Every network from 1×1 on: borders, partial tiles, several bands. */
for (const [name, network] of Object.entries(NETWORKS)) {
  test(`Program [wasm]: ${name}, sizes 1×1 to 9×9 → within 1e-5 of the reference’s largest value`, () => {
    const bound = randomNetwork(network, name.length);
    const [onWasm, onReference] = [wasm.compile(bound), referenceBackend.compile(bound)];
    for (const height of SIZES) {
      for (const width of SIZES) {
        const input = randomInput(network, height, width);
        const wanted = runProgram(onReference, network, input);
        const magnitude = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        expectClose(runProgram(onWasm, network, input), wanted, 1e-5 * magnitude);
      }
    }
  });

  test(`Program [wasm]: ${name}, rows alone → the bits of the whole picture's`, () => {
    const program = wasm.compile(randomNetwork(network, name.length));
    const input = randomInput(network, 23, 37);
    const whole = runProgram(program, network, input);
    const [, channels, height, width] = whole.shape;
    for (const [first, end] of [
      [0, 1],
      [0, 5],
      [3, 4],
      [7, 19],
      [height - 1, height],
      [6, height],
    ]) {
      const part = runProgram(program, network, input, { first, end });
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) {
          const at = (c * height + y) * width;
          const inside = y >= first && y < end;
          const row = part.data.slice(at, at + width);
          if (inside) expect(row).toEqual(whole.data.slice(at, at + width));
          else expect(row.every(Number.isNaN)).toBe(true);
        }
      }
    }
  });
}

test('Program [wasm]: 37 wide and 2000 high → as high a picture in pieces, in memory that does not grow with it', () => {
  const network = NETWORKS['a chain of blocks'];
  const program = wasm.compile(randomNetwork(network, 1));
  runProgram(program, network, randomInput(network, 200, 37));
  const bytes = wasm.memoryBytes();
  const output = runProgram(program, network, randomInput(network, 2000, 37));
  expect(output.data.every(Number.isFinite)).toBe(true);
  expect(wasm.memoryBytes()).toBe(bytes);
});

test('Program [wasm]: a run that is left in the middle → its memory is free for the next', () => {
  const network = NETWORKS['every layer'];
  const program = wasm.compile(randomNetwork(network, 5));
  const input = randomInput(network, 40, 40);
  const before = runProgram(program, network, input);
  const bytes = wasm.memoryBytes();
  for (let i = 0; i < 20; i++) {
    const run = program.run(tensorRows(input), () => {});
    run.next();
    run.return();
  }
  expect(runProgram(program, network, input)).toEqual(before);
  expect(wasm.memoryBytes()).toBe(bytes);
});
