import { beforeAll, describe, expect, test } from 'vitest';
import { rounds } from '../full-length.ts';
import { type Geometry, makeBlock, randomValues, STRIDE2_GEOMETRIES } from './winograd-block.ts';
import {
  testConvolution,
  testMultiply,
  testTransformInput,
  testTransformOutput,
  testTransformWeights,
} from './winograd-checks.ts';
import { type Machine, runConvolution, startMachine } from './winograd-run.ts';

/*
 * The f32 Winograd kernels of assembly/winograd-stride2.ts, and those that it shares with
 * winograd.ts, each by itself and the three steps together, against float64.
 */

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

for (const cin of [16, 32, 48, 64]) {
  for (const cout of [16, 32, 48, 64]) {
    testTransformWeights(start, { tiles: 1, cin, cout, upsample: 0, stride: 2 });
  }
}

for (const geometry of STRIDE2_GEOMETRIES.filter(({ cout }) => cout === 16)) {
  testTransformInput(start, 'winogradStride2TransformInput', geometry);
  testMultiply(start, geometry);
}

describe.each([{ relu: false }, { relu: true }])(
  'winogradStride2TransformOutput, relu $relu',
  ({ relu }) => {
    for (const { tiles, cout } of STRIDE2_GEOMETRIES.filter(({ cin }) => cin === 32)) {
      const geometry = { tiles, cin: 16, cout, upsample: 0, stride: 2 } as const;
      testTransformOutput(start, 'winogradStride2TransformOutput', geometry, { add: false, relu });
    }
  },
);

/** A part of Σ|pixel · weight|. The largest measured is 5.2e-7. */
const CONVOLUTION_BOUND = 1e-6;

for (const [n, geometry] of STRIDE2_GEOMETRIES.entries()) {
  testConvolution(start, geometry, CONVOLUTION_BOUND, n, { add: false, relu: n % 2 === 1 });
}

const SMALL: Geometry = { tiles: 5, cin: 16, cout: 16, upsample: 0, stride: 2 };

/** Every pixel of the third tile's rows and columns, the last of which is the fourth's first. */
const ALL_PLACES = Array.from({ length: 81 }, (_, n) => [Math.floor(n / 9), 2 * 8 + (n % 9)]);
/** The sample has two or three of every row and column. */
const PLACES = ALL_PLACES.filter((_, n) => n % rounds(4, 1) === 0);

for (const value of [NaN, Infinity, -Infinity]) {
  for (const relu of [false, true]) {
    test(`convolution by Winograd [wasm]: one ${value} at each of ${PLACES.length} places, stride 2, relu ${relu} → NaN or the direct one's number in its windows, others as without it outside its tiles`, () => {
      const weights = randomValues(2, 16 * 16 * 9);
      const random = randomValues(3, 9 * 41 * 16);
      const numbers = (r: number, x: number, i: number) => random[(r * 41 + x) * 16 + i];
      const wanted = runConvolution(machine, SMALL, makeBlock(SMALL, numbers), weights, { relu });
      let fault: string | undefined;
      for (const [row, column] of PLACES) {
        const bad = makeBlock(SMALL, (r, x, i) =>
          r === row && x === column && i === 7 ? value : numbers(r, x, i),
        );
        const got = runConvolution(machine, SMALL, bad, weights, { relu });
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 20; x++) {
            const outside = bad
              .tile(Math.floor(x / 4), 7)
              .flat()
              .every(Number.isFinite);
            const [ky, kx] = [row - 2 * y, column - 2 * x];
            const hit = ky >= 0 && ky < 3 && kx >= 0 && kx < 3;
            for (let o = 0; o < 16; o++) {
              const number = got[y][x * 16 + o];
              const where = `${row}, ${column}: row ${y}, column ${x}, channel ${o}: ${number}`;
              // No finite number is left where the bad one alone decides.
              const direct = value * weights[(o * 16 + 7) * 9 + 3 * ky + kx];
              const floored = relu && direct < 0 ? 0 : direct;
              if (hit && !Number.isNaN(number) && number !== floored) {
                fault ??= `${where}, expected ${floored}`;
              }
              const without = wanted[y][x * 16 + o];
              if (outside && number !== without) fault ??= `${where}, expected ${without}`;
            }
          }
        }
      }
      expect(fault).toBe(undefined);
    });
  }
}

test('convolution by Winograd [wasm]: −0 and 0 everywhere, stride 2, relu or not → zeros', () => {
  const block = makeBlock(SMALL, (r, x) => ((r + x) % 2 === 0 ? -0 : 0));
  const weights = randomValues(2, 16 * 16 * 9);
  for (const relu of [false, true]) {
    const bias = new Float32Array(16).fill(-0);
    for (const row of runConvolution(machine, SMALL, block, weights, { relu, bias })) {
      expect(row.every((number) => number === 0)).toBe(true);
    }
  }
});
