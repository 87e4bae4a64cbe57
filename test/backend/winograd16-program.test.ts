import { expect, test } from 'vitest';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import { conv3x3 } from '../../src/model/layers.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';

/*
 * Whole convolutions in precision fast, in which everything is as bad as it can be.
 */

/**
 * The bounds, as parts of the largest Σ|pixel · weight| in the tile's surroundings, for each
 * stride. The most that was measured is 4.5e-3 and 2.7e-3, where channels have one scale and
 * numbers from 1e-30 to 1e30.
 */
const BOUNDS = { 1: 8e-3, 2: 5e-3 };

const INPUTS: Record<
  string,
  (weights: Tensor, cin: number) => (i: number, y: number, x: number) => number
> = {
  'signs of the weights': (weights) => (i, y, x) =>
    Math.sign(weights.data[i * 9 + (y % 3) * 3 + (x % 3)]) || 1,
  'signs against the weights': (weights) => (i, y, x) =>
    -Math.sign(weights.data[i * 9 + ((y + 1) % 3) * 3 + (x % 3)]) || 1,
  '1e-30 to 1e30 by pixel': () => (i, y, x) => Math.cos(i + y) * 10 ** (((7 * x) % 61) - 30),
  '1e-30 to 1e30 by channel': () => (i, y, x) => Math.cos(y * 7 + x) * 10 ** ((i % 61) - 30),
  zeros: () => () => 0,
};

/** The convolution in float64, and Σ|pixel · weight| of each number of it. */
function convolve(
  { shape, data }: Tensor,
  weight: Tensor,
  stride: 1 | 2,
): { exact: Float64Array; magnitude: Float64Array } {
  const [, cin, height, width] = shape;
  const [cout] = weight.shape;
  const [rows, columns] = [height, width].map((size) => Math.ceil(size / stride));
  const exact = new Float64Array(cout * rows * columns);
  const magnitude = new Float64Array(exact.length);
  for (let at = 0; at < exact.length; at++) {
    const x = at % columns;
    const y = Math.floor(at / columns) % rows;
    const o = Math.floor(at / columns / rows);
    for (let i = 0; i < cin; i++) {
      for (let k = 0; k < 9; k++) {
        const row = stride * y + Math.floor(k / 3) - 1;
        const column = stride * x + (k % 3) - 1;
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const product =
          data[(i * height + row) * width + column] * weight.data[(o * cin + i) * 9 + k];
        exact[at] += product;
        magnitude[at] += Math.abs(product);
      }
    }
  }
  return { exact, magnitude };
}

/** Tiles of 6×6, wide ones of 4×4, and of 4×4 with stride 2. */
const SHAPES = [
  { cin: 16, cout: 16, stride: 1, tile: 6 },
  { cin: 64, cout: 16, stride: 1, tile: 6 },
  { cin: 80, cout: 80, stride: 1, tile: 4 },
  { cin: 16, cout: 16, stride: 2, tile: 4 },
  { cin: 64, cout: 16, stride: 2, tile: 4 },
] as const;

for (const { cin, cout, stride, tile } of SHAPES) {
  for (const [name, make] of Object.entries(INPUTS)) {
    const what = `fast, ${cin}→${cout}${stride === 2 ? ', stride 2' : ''}, ${name}`;
    const bound = BOUNDS[stride];
    test(`Program [wasm]: ${what} → finite, within ${bound} of the largest Σ|x·w| around in float64`, async () => {
      // Wide convolutions take longer in float64.
      const [height, width] = [9, cout > 16 ? 13 : 37].map((size) => stride * size);
      const network = [conv3x3(cin, cout, { bias: false, stride })];
      const weight = randomTensor(seededRandom(cin), [cout, cin, 3, 3]);
      const value = make(weight, cin);
      const data = Float32Array.from({ length: cin * height * width }, (_, n) =>
        value(Math.floor(n / (height * width)), Math.floor(n / width) % height, n % width),
      );
      const input = { shape: [1, cin, height, width], data };
      const wasm = await createWasmBackend({ precision: 'fast' });
      const tensors = new Map([['0.weight', weight]]);
      const program = wasm.compile(bindNetwork('network', network, tensors));
      const got = runProgram(program, network, input);
      const { exact, magnitude } = convolve(input, weight, stride);
      const [, , rows, columns] = got.shape;
      let worst = 0;
      let fault: string | undefined;
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          // The largest sum in the tile and its neighbours.
          let most = 0;
          const [top, left] = [y - (y % tile), x - (x % tile)];
          for (let o = 0; o < cout; o++) {
            for (let r = Math.max(top - 1, 0); r < Math.min(top + tile + 1, rows); r++) {
              for (let c = Math.max(left - 1, 0); c < Math.min(left + tile + 1, columns); c++) {
                most = Math.max(most, magnitude[(o * rows + r) * columns + c]);
              }
            }
          }
          for (let o = 0; o < cout; o++) {
            const at = (o * rows + y) * columns + x;
            const error = Math.abs(got.data[at] - exact[at]) / (most || 1);
            worst = Math.max(worst, error);
            if (!(error <= bound)) {
              fault ??= `element ${at}: got ${got.data[at]}, expected ${exact[at]} of ${most}`;
            }
          }
        }
      }
      if (process.env.MEASURE) console.log(`${name}, ${cin}, stride ${stride}`, worst);
      expect(fault).toBe(undefined);
    });
  }
}
