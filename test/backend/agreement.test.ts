import { beforeAll, expect, test } from 'vitest';
import { type Operators, operators, referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { tensorRows } from '../../src/rows.ts';
import { expectClose } from '../compare.ts';
import {
  NETWORKS,
  randomInput,
  randomNetwork,
  sampleLayers,
} from '../conformance/random-networks.ts';
import { isFullLength } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runNetwork, runProgram } from '../run-program.ts';
import { operatorsOnWasm } from './operators-on-wasm.ts';

/*
 * The WASM backend against the reference backend: operators and small networks with random weights
 * and sizes.
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
      for (const { layer, input, wasmBound } of sampleLayers(random, height, width)) {
        expectClose(onWasm.layer(layer, input), operators.layer(layer, input), wasmBound);
      }
      const [x, y] = [0, 1].map(() => randomTensor(random, [2, 3, height, width], 2));
      expectClose(onWasm.add(x, y), operators.add(x, y), 0);
    });
  }
}

/** Every network from 1×1 on: borders, partial tiles, several bands. */
for (const [name, network] of Object.entries(NETWORKS)) {
  test(`Program [wasm]: ${name}, sizes 1×1 to 9×9 → within 1e-5 of the reference’s largest value`, async () => {
    const bound = randomNetwork(network, name.length);
    const onReference = referenceBackend.compile(bound);
    for (const height of SIZES) {
      for (const width of SIZES) {
        // The sample is every third size.
        if (!isFullLength && (height - width) % 3 !== 0) continue;
        const input = randomInput(network, height, width);
        const wanted = runProgram(onReference, network, input);
        const magnitude = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        expectClose(await runNetwork(wasm, bound, input), wanted, 1e-5 * magnitude);
      }
    }
  });

  test(`Program [wasm]: ${name}, rows alone → the bits of the whole picture's`, async () => {
    const bound = randomNetwork(network, name.length);
    const input = randomInput(network, 23, 37);
    const whole = await runNetwork(wasm, bound, input);
    const [, channels, height, width] = whole.shape;
    for (const [first, end] of [
      [0, 1],
      [0, 5],
      [3, 4],
      [7, 19],
      [height - 1, height],
      [6, height],
    ]) {
      const part = await runNetwork(wasm, bound, input, { wanted: { first, end } });
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
