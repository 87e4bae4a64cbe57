import { beforeAll, describe } from 'vitest';
import { type Geometry, LARGE_GEOMETRIES, LARGE_TILES } from './winograd-block.ts';
import {
  testConvolution,
  testMultiply,
  testNotFinite,
  testReluOfOddNumbers,
  testTransformInput,
  testTransformOutput,
  testTransformWeights,
  testZeros,
} from './winograd-checks.ts';
import { type Machine, startMachine } from './winograd-run.ts';

/*
 * The f32 Winograd kernels of assembly/winograd6x6.ts and winograd6x6-weights.ts, and the product
 * of winograd.ts with their 64 points, each by itself and the three steps together, against
 * float64.
 */

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

const SMALL: Geometry = { tiles: 5, cin: 16, cout: 16, upsample: 0, stride: 1, tile: 6 };

for (const [cin, cout] of [
  [16, 16],
  [32, 48],
  [48, 32],
  [64, 64],
]) {
  testTransformWeights(start, { ...SMALL, cin, cout }, 'winograd6TransformWeights');
}

for (const geometry of LARGE_GEOMETRIES.filter(({ cout }) => cout === 16)) {
  testTransformInput(start, 'winograd6TransformInput', geometry);
  testMultiply(start, geometry);
}

describe.each([
  { add: false, relu: false },
  { add: false, relu: true },
  { add: true, relu: false },
  { add: true, relu: true },
])('winograd6TransformOutput, add $add, relu $relu', (flags) => {
  for (const [tiles, cout] of [...LARGE_TILES.map((t) => [t, 16]), [5, 48], [5, 64]]) {
    testTransformOutput(start, 'winograd6TransformOutput', { ...SMALL, tiles, cout }, flags);
  }
});

/** A part of Σ|pixel · weight|. The largest measured is 2.6e-6. */
const CONVOLUTION_BOUND = 5e-6;

for (const [n, geometry] of LARGE_GEOMETRIES.entries()) {
  testConvolution(start, geometry, CONVOLUTION_BOUND, n, { add: n % 2 === 1, relu: n % 4 > 1 });
}

testNotFinite(start, SMALL);
testZeros(start, SMALL);
testReluOfOddNumbers(start, 'winograd6TransformOutput', SMALL);
