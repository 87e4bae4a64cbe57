import { beforeAll, describe } from 'vitest';
import { GEOMETRIES, type Geometry, TILES } from './winograd-block.ts';
import {
  testConvolution,
  testMultiply,
  testNotFinite,
  testReluOfOddNumbers,
  testTransformGroup,
  testTransformInput,
  testTransformOutput,
  testTransformWeights,
  testZeros,
} from './winograd-checks.ts';
import { type Machine, startMachine } from './winograd-run.ts';

/*
 * The f32 Winograd kernels of assembly/winograd4x4.ts and winograd-weights.ts, and the product of
 * winograd.ts, each by itself and the three steps together, against float64.
 */

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

for (const [cin, cout] of [16, 32, 64].flatMap((i) => [16, 48, 64].map((o) => [i, o]))) {
  testTransformWeights(start, { tiles: 1, cin, cout, upsample: 0, stride: 1 });
}

for (const cin of [16, 80, 256]) testTransformGroup(start, cin);

for (const geometry of GEOMETRIES.filter(({ cout }) => cout === 16)) {
  testTransformInput(start, 'winogradTransformInput', geometry);
  testMultiply(start, geometry);
}

describe.each([
  { add: false, relu: false },
  { add: false, relu: true },
  { add: true, relu: false },
  { add: true, relu: true },
])('winogradTransformOutput, add $add, relu $relu', (flags) => {
  for (const [tiles, cout] of [...TILES.map((t) => [t, 16]), [5, 48], [5, 64]]) {
    const geometry = { tiles, cin: 16, cout, upsample: 0, stride: 1 } as const;
    testTransformOutput(start, 'winogradTransformOutput', geometry, flags);
  }
});

/** A part of Σ|pixel · weight|. The largest measured is 1.8e-6. */
const CONVOLUTION_BOUND = 4e-6;

for (const [n, geometry] of GEOMETRIES.entries()) {
  testConvolution(start, geometry, CONVOLUTION_BOUND, n, { add: n % 2 === 1, relu: n % 4 > 1 });
}

const SMALL: Geometry = { tiles: 5, cin: 16, cout: 16, upsample: 0, stride: 1 };

testNotFinite(start, SMALL);
testZeros(start, SMALL);
testReluOfOddNumbers(start, 'winogradTransformOutput', SMALL);
