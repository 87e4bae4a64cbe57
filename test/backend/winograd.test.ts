import { beforeAll, describe, expect, test } from 'vitest';
import { arena } from './arena.ts';
import {
  GEOMETRIES,
  type Geometry,
  GROUP,
  makeBlock,
  pointStride,
  randomValues,
  TILES,
  WEIGHT_POINTS,
} from './winograd-block.ts';
import {
  testConvolution,
  testMultiply,
  testTransformGroup,
  testTransformInput,
  testTransformOutput,
  testTransformWeights,
} from './winograd-checks.ts';
import { type Machine, runConvolution, runTransformOutput, startMachine } from './winograd-run.ts';

/*
 * The f32 Winograd kernels of assembly/winograd.ts, each by itself and the three steps together,
 * against float64.
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

/** Of Σ|pixel · weight|; the most that was measured is 1.8e-6. */
const CONVOLUTION_BOUND = 4e-6;

for (const [n, geometry] of GEOMETRIES.entries()) {
  testConvolution(start, geometry, CONVOLUTION_BOUND, n, { add: n % 2 === 1, relu: n % 4 > 1 });
}

const SMALL: Geometry = { tiles: 5, cin: 16, cout: 16, upsample: 0, stride: 1 };

for (const value of [NaN, Infinity, -Infinity]) {
  for (const upsample of [0, 1] as const) {
    for (const relu of [false, true]) {
      test(`convolution by Winograd [wasm]: one ${value}${upsample === 1 ? ', upsampled' : ''}, relu ${relu} → no finite number in its windows, others as without it outside its tiles`, () => {
        const geometry = { ...SMALL, upsample };
        const weights = randomValues(2, 16 * 16 * 9);
        const random = randomValues(3, 4096);
        const numbers = (r: number, x: number, i: number) => random[(r * 40 + x) * 16 + i];
        const good = makeBlock(geometry, numbers);
        // In the third tile, upsampled in the fourth too.
        const [row, column] = upsample === 1 ? [2, 2 * 2 + 2] : [3, 4 * 2 + 3];
        const bad = makeBlock(geometry, (r, x, i) =>
          r === row && x === column && i === 7 ? value : numbers(r, x, i),
        );
        const wanted = runConvolution(machine, geometry, good, weights, { relu });
        const got = runConvolution(machine, geometry, bad, weights, { relu });
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 20; x++) {
            const tile = bad.tile(Math.floor(x / 4), 7);
            const outside = tile.flat().every(Number.isFinite);
            const window = [0, 1, 2].flatMap((ky) => tile[y + ky].slice(x % 4, (x % 4) + 3));
            const hit = window.some((number) => !Number.isFinite(number));
            for (let o = 0; o < 16; o++) {
              const number = got[y][x * 16 + o];
              const where = `row ${y}, column ${x}, channel ${o}: ${number}`;
              if (hit) expect(Number.isFinite(number), where).toBe(false);
              if (outside) expect(number, where).toBe(wanted[y][x * 16 + o]);
            }
          }
        }
      });
    }
  }
}

test('convolution by Winograd [wasm]: −0 and 0 everywhere, relu or not → zeros', () => {
  const block = makeBlock(SMALL, (r, x) => ((r + x) % 2 === 0 ? -0 : 0));
  const weights = randomValues(2, 16 * 16 * 9);
  for (const relu of [false, true]) {
    const bias = new Float32Array(16).fill(-0);
    for (const row of runConvolution(machine, SMALL, block, weights, { relu, bias })) {
      expect(row.every((number) => number === 0)).toBe(true);
    }
  }
});

test('winogradTransformOutput [wasm]: relu of −0, smallest, largest, infinite and no numbers → as value < 0 ? 0 : value', () => {
  // All products are 0; what is added makes the numbers.
  const geometry = { tiles: 1, cin: 16, cout: 16, upsample: 0, stride: 1 } as const;
  const stride = pointStride(GROUP, 4);
  const values = Float32Array.of(-0, 1e-45, -1e-45, -3e38, 3e38, NaN, Infinity, -Infinity);
  const added = Array.from({ length: 4 }, (_, r) =>
    Float32Array.from({ length: 64 }, (__, i) => values[(r + i) % values.length]),
  );
  const space = arena(machine.memory);
  const ptr = space.put(new Float32Array((WEIGHT_POINTS * stride) / 4));
  const output = { add: true, relu: true, added };
  const rows = runTransformOutput(machine, space, geometry, () => ({ ptr, stride }), output);
  // −0 + 0 makes no difference between the zeros.
  const plain = (row: Float32Array) => [...row].map((value) => value + 0);
  for (let r = 0; r < 4; r++) {
    expect(plain(rows[r])).toEqual(plain(added[r].map((value) => (value < 0 ? 0 : value))));
  }
  space.check();
});
