import { beforeAll, describe } from 'vitest';
import { everySecond, sampled } from '../full-length.ts';
import { type Geometry, LARGE_GEOMETRIES } from './winograd-block.ts';
import { type Machine, startMachine } from './winograd-run.ts';
import { testNotFinite16, testSaturation, testTransformInput16 } from './winograd16-checks.ts';
import { BLOCKS, WEIGHTS } from './winograd16-run.ts';

/*
 * The 16-bit Winograd kernels with tiles of 6×6: that of assembly/winograd6x6-input16.ts, and the
 * product with its 64 points. winograd16-flat.test.ts has those that keep point (1, 1) in f32.
 */

const ALL = LARGE_GEOMETRIES.filter(({ cout }) => cout === 16);

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

describe.each(Object.entries(WEIGHTS))('weights: %s', (name, make) => {
  testSaturation(start, [name, make], { stride: 1, tile: 6 });
});

describe.each(Object.entries(BLOCKS))('input: %s', (name, make) => {
  for (const geometry of sampled(everySecond(ALL), ALL)) {
    testTransformInput16(start, 'winograd6TransformInput16', [name, make], geometry);
  }
});

for (const upsample of [0, 1] as const) {
  for (const value of [NaN, Infinity, -Infinity]) {
    // In one tile alone: upsampled, column 0, else in the second tile's middle.
    const place = upsample === 1 ? ([1, 0] as const) : ([2, 6 + 3] as const);
    const geometry: Geometry = { tiles: 4, cin: 32, cout: 16, upsample, stride: 1, tile: 6 };
    testNotFinite16(start, value, geometry, place);
  }
}
