import { beforeAll, describe } from 'vitest';
import { everySecond, sampled } from '../full-length.ts';
import { STRIDE2_GEOMETRIES } from './winograd-block.ts';
import { type Machine, startMachine } from './winograd-run.ts';
import { testNotFinite16, testSaturation, testTransformInput16 } from './winograd16-checks.ts';
import { BLOCKS, WEIGHTS } from './winograd16-run.ts';

/*
 * The 16-bit Winograd kernels with stride 2: that of assembly/winograd16-stride2.ts, and the
 * product with its 81 points.
 */

const SMALL = STRIDE2_GEOMETRIES.filter(({ cout }) => cout === 16);

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

describe.each(Object.entries(WEIGHTS))('weights: %s', (name, make) => {
  testSaturation(start, [name, make], { stride: 2 });
});

describe.each(Object.entries(BLOCKS))('input: %s', (name, make) => {
  for (const geometry of sampled(everySecond(SMALL), SMALL)) {
    testTransformInput16(start, 'winogradStride2TransformInput16', [name, make], geometry);
  }
});

/**
 * Odd and even rows and columns of the second tile, and the column that it shares with the third.
 */
const PLACES = [
  [4, 8 + 4],
  [3, 8 + 4],
  [4, 8 + 5],
  [5, 8 + 7],
  [8, 8 + 8],
] as const;

for (const place of PLACES) {
  for (const value of [NaN, Infinity, -Infinity]) {
    const geometry = { tiles: 4, cin: 32, cout: 16, upsample: 0, stride: 2 } as const;
    testNotFinite16(start, value, geometry, place);
  }
}
