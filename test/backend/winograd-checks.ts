import { expect, test } from 'vitest';
import { arena } from './arena.ts';
import {
  type Geometry,
  GROUP,
  isBeside,
  isSkipped,
  keepPoints,
  makeBlock,
  nameOf,
  pointStride,
  pointsOf,
  randomBlock,
  randomValues,
  sideOf,
  tileOf,
  vCount,
  vIndex,
  WEIGHT_POINTS,
  weightIndex,
  weightPoint,
  weightPointsOf,
  weightsOf,
  wholeTiles,
} from './winograd-block.ts';
import { MATRICES, magnitudes, sandwich, square } from './winograd-formula.ts';
import {
  expectUntouched,
  Faults,
  type Machine,
  runConvolution,
  runMultiply,
  runTransformInput,
  runTransformOutput,
  runTransformWeights,
  ULP,
  writable,
} from './winograd-run.ts';

/*
 * Tests of the f32 Winograd kernels that are the same for each stride and tile; each takes what
 * gives the kernels once a test runs.
 */

type Start = () => Machine;

/**
 * Bounds on errors in units of 2⁻²⁴ of the magnitudes, as the kernels state them, by points along
 * an axis: of the input's and the output's transform.
 */
export const TRANSFORM_BOUNDS = {
  6: { input: 8, output: 12 },
  8: { input: 12, output: 16 },
  9: { input: 8, output: 12 },
} as const;

export function testTransformWeights(
  start: Start,
  geometry: Geometry,
  stage = 'winogradTransformWeights',
): void {
  const { cin, cout, stride } = geometry;
  const points = weightPointsOf(geometry);
  const isLarge = sideOf(geometry) === 8;
  const how = isLarge ? 'tiles of 6×6' : `stride ${stride}`;
  const rule = isLarge ? '2⁻²⁴ of float64 and 2⁻⁵⁰·|G||w||Gᵀ|' : '8·2⁻²⁴·|G||w||Gᵀ| of float64';
  test(`${stage} [wasm]: ${cin}→${cout}, ${how} → within ${rule}`, () => {
    const machine = start();
    const weights = randomValues(cin + cout, cout * cin * 9);
    const space = arena(machine.memory);
    const ptr = runTransformWeights(machine, space, geometry, weights);
    const u = space.f32(ptr, points * cin * cout);
    const at = (p: number, o: number, i: number) => u[weightIndex(cin, p, o, i, points)];
    const faults = weightFaults(geometry, weights, at);
    faults.expectNone(`weights, ${nameOf(geometry)}: ulp`, isLarge ? 1 : 8);
    space.check();
  });
}

/**
 * Compares transformed weights with G w Gᵀ in float64.
 *
 * @param got  returns the weight at a point, for an output and an input channel
 */
function weightFaults(
  geometry: Omit<Geometry, 'tiles' | 'upsample'>,
  weights: Float32Array,
  got: (point: number, output: number, input: number) => number,
): Faults {
  const { cout, cin } = geometry;
  const { G } = MATRICES[sideOf(geometry)];
  const side = G.length;
  const faults = new Faults();
  for (let o = 0; o < cout; o++) {
    for (let i = 0; i < cin; i++) {
      const w = weightsOf(weights, cin, o, i);
      const wanted = sandwich(G, w);
      const magnitude = sandwich(magnitudes(G), magnitudes(w));
      for (let p = 0; p < side ** 2; p++) {
        const [r, c] = [Math.floor(p / side), p % side];
        const where = () => `point ${p}, output ${o}, input ${i}`;
        // For tiles of 6×6, the kernel computes in f64 and rounds once.
        const bound =
          side === 8
            ? ULP * Math.abs(wanted[r][c]) + 2 ** -50 * magnitude[r][c]
            : 8 * ULP * magnitude[r][c];
        faults.see(where, got(p, o, i), wanted[r][c], bound);
      }
    }
  }
  return faults;
}

/** A group's weights are transformed each time they are needed, to points that lie apart. */
export function testTransformGroup(start: Start, cin: number): void {
  test(`winogradTransformGroup [wasm]: ${cin}→16 → within 8·2⁻²⁴·|G||w||Gᵀ| of float64, nothing between points written`, () => {
    const { kernels, memory } = start();
    const weights = randomValues(cin, GROUP * cin * 9);
    const space = arena(memory);
    const stride = pointStride(GROUP * cin, 4);
    const uPtr = writable(space, (WEIGHT_POINTS * stride) / 4);
    const packed = weights.map((_, n) => {
      const [o, i, k] = [n % GROUP, Math.floor(n / GROUP / 9), Math.floor(n / GROUP) % 9];
      return weights[(o * cin + i) * 9 + k];
    });
    kernels.winogradTransformGroup(uPtr, stride, space.put(packed), writable(space, 72), cin);
    const u = space.f32(uPtr, (WEIGHT_POINTS * stride) / 4);
    const at = (p: number, o: number, i: number) => u[(p * stride) / 4 + weightIndex(cin, 0, o, i)];
    const faults = weightFaults({ cin, cout: GROUP, stride: 1 }, weights, at);
    for (let p = 0; p < WEIGHT_POINTS; p++) {
      const pad = u.slice((p * stride) / 4 + GROUP * cin, ((p + 1) * stride) / 4);
      expectUntouched(pad, `beside point ${p}`);
    }
    faults.expectNone(`weights of a group, ${cin}: ulp`, 8);
    space.check();
  });
}

export function testTransformInput(start: Start, kernel: string, geometry: Geometry): void {
  const { tiles, cin } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  const { input: bound } = TRANSFORM_BOUNDS[side];
  test(`${kernel} [wasm]: ${nameOf(geometry)} → within ${bound}·2⁻²⁴·|Bᵀ||d||B| of float64, nothing between points written`, () => {
    const machine = start();
    const { BT } = MATRICES[side];
    const magnitudesOfBT = magnitudes(BT);
    const block = randomBlock(geometry);
    const space = arena(machine.memory);
    const { ptr, stride } = runTransformInput(machine, space, geometry, block);
    const v = space.f32(ptr, (points * stride) / 4);
    const faults = new Faults();
    for (let j = 0; j < tiles; j++) {
      for (let i = 0; i < cin; i++) {
        const d = block.tile(j, i);
        const wanted = sandwich(BT, d);
        const magnitude = sandwich(magnitudesOfBT, magnitudes(d));
        for (let p = 0; p < points; p++) {
          const [r, c] = [Math.floor(p / side), p % side];
          const got = v[(p * stride) / 4 + vIndex(geometry, j, i)];
          const where = () => `point ${p}, tile ${j}, channel ${i}`;
          // Left out because it is 0; whether it is written makes no difference.
          if (isSkipped(geometry, p)) faults.see(where, wanted[r][c], 0, 0);
          else faults.see(where, got, wanted[r][c], bound * ULP * magnitude[r][c]);
        }
      }
    }
    for (let p = 0; p < points; p++) {
      const part = v.slice((p * stride) / 4, ((p + 1) * stride) / 4);
      const beside = part.filter((_, n) => isBeside(geometry, n));
      expectUntouched(beside, `beside point ${p}`);
    }
    faults.expectNone(`input, ${nameOf(geometry)}: ulp`, bound);
    space.check();
  });
}

export function testMultiply(start: Start, geometry: Geometry): void {
  const { tiles, cin } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  const weightPoints = weightPointsOf(geometry);
  test(`winogradMultiply [wasm]: ${nameOf(geometry)} → within 2·cin·2⁻²⁴·Σ|v·u| of float64, nothing between points written`, () => {
    const machine = start();
    const whole = wholeTiles(tiles);
    const vStride = pointStride(vCount(geometry), 4);
    // Numbers of tiles and channels past the block's are there and do not matter.
    const v = randomValues(cin, (points * vStride) / 4);
    const u = randomValues(tiles, weightPoints * cin * GROUP);
    const space = arena(machine.memory);
    const operand = { ptr: space.put(v), stride: vStride };
    const uPtr = space.put(keepPoints(u, GROUP * cin, geometry));
    const product = runMultiply(machine, space, geometry, operand, { uPtr });
    const { ptr: mPtr, stride: mStride } = product;
    const m = space.f32(mPtr, (points * mStride) / 4);
    const faults = new Faults();
    for (let p = 0; p < points; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < GROUP; o++) {
          let sum = 0;
          let magnitude = 0;
          for (let i = 0; i < cin; i++) {
            const product =
              v[(p * vStride) / 4 + vIndex(geometry, j, i)] *
              u[weightIndex(cin, weightPoint(p, side), o, i, weightPoints)];
            sum += product;
            magnitude += Math.abs(product);
          }
          const skipped = isSkipped(geometry, p);
          faults.see(
            () => `point ${p}, tile ${j}, output ${o}`,
            m[(p * mStride) / 4 + j * GROUP + o],
            skipped ? 0 : sum,
            skipped ? 0 : 2 * cin * ULP * magnitude,
          );
        }
      }
      const pad = m.slice((p * mStride) / 4 + whole * GROUP, ((p + 1) * mStride) / 4);
      expectUntouched(pad, `beside point ${p}`);
    }
    faults.expectNone();
    space.check();
  });
}

export function testTransformOutput(
  start: Start,
  kernel: string,
  geometry: Geometry,
  { add, relu }: { readonly add: boolean; readonly relu: boolean },
): void {
  const { tiles, cout } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  const tile = tileOf(geometry);
  const { output: bound } = TRANSFORM_BOUNDS[side];
  test(`${kernel} [wasm]: ${tiles} tiles, ${cout} channels, add ${add}, relu ${relu} → within ${bound}·2⁻²⁴·(|Aᵀ||m||A| + |bias| + |added|) of float64`, () => {
    const machine = start();
    const { AT } = MATRICES[side];
    const magnitudesOfAT = magnitudes(AT);
    const stride = pointStride(tiles * GROUP, 4);
    const m = Array.from({ length: cout / GROUP }, (_, group) =>
      randomValues(tiles + group, (points * stride) / 4),
    );
    const bias = randomValues(3, cout);
    const added = add
      ? Array.from({ length: tile }, (_, r) => randomValues(r + 5, tiles * tile * cout, 4))
      : [];
    const space = arena(machine.memory);
    const ptrs = m.map((part) => space.put(part));
    const products = (group: number) => ({ ptr: ptrs[group], stride });
    const output = { add, relu, bias, added };
    const rows = runTransformOutput(machine, space, geometry, products, output);
    const faults = new Faults();
    for (let j = 0; j < tiles; j++) {
      for (let o = 0; o < cout; o++) {
        const part = m[Math.floor(o / GROUP)];
        const at = (r: number, c: number) =>
          part[((side * r + c) * stride) / 4 + j * GROUP + (o % GROUP)];
        const products64 = square(side, at);
        const wanted = sandwich(AT, products64);
        const magnitude = sandwich(magnitudesOfAT, magnitudes(products64));
        for (let y = 0; y < tile; y++) {
          for (let x = 0; x < tile; x++) {
            const n = (tile * j + x) * cout + o;
            const other = add ? added[y][n] : 0;
            const value = wanted[y][x] + bias[o] + other;
            faults.see(
              () => `tile ${j}, row ${y}, column ${x}, channel ${o}`,
              rows[y][n],
              relu ? Math.max(value, 0) : value,
              bound * ULP * (magnitude[y][x] + Math.abs(bias[o]) + Math.abs(other)),
            );
          }
        }
      }
    }
    faults.expectNone(`output, ${nameOf(geometry)}: ulp`, bound);
    space.check();
  });
}

/**
 * @param bound  of the error, as a multiple of Σ|pixel · weight|: rounding errors grow by the
 *   transforms
 */
export function testConvolution(
  start: Start,
  geometry: Geometry,
  bound: number,
  seed: number,
  { add, relu }: { readonly add: boolean; readonly relu: boolean },
): void {
  const { tiles, cin, cout, stride } = geometry;
  const tile = tileOf(geometry);
  test(`convolution by Winograd [wasm]: ${nameOf(geometry)}, add ${add}, relu ${relu} → within ${bound}·Σ|x·w| of the direct one in float64`, () => {
    const block = randomBlock(geometry, 100 + seed);
    const weights = randomValues(seed, cout * cin * 9);
    const bias = randomValues(seed + 1, cout);
    const added = add
      ? Array.from({ length: tile }, (_, r) => randomValues(r + 5, tiles * tile * cout))
      : [];
    const rows = runConvolution(start(), geometry, block, weights, { add, relu, bias, added });
    const faults = new Faults();
    for (let j = 0; j < tiles; j++) {
      const d = Array.from({ length: cin }, (_, i) => block.tile(j, i));
      for (let o = 0; o < cout; o++) {
        for (let y = 0; y < tile; y++) {
          for (let x = 0; x < tile; x++) {
            const at = (tile * j + x) * cout + o;
            let sum = bias[o] + (add ? added[y][at] : 0);
            let magnitude = Math.abs(sum);
            for (let i = 0; i < cin; i++) {
              for (let ky = 0; ky < 3; ky++) {
                for (let kx = 0; kx < 3; kx++) {
                  const weight = weights[((o * cin + i) * 3 + ky) * 3 + kx];
                  const product = d[i][stride * y + ky][stride * x + kx] * weight;
                  sum += product;
                  magnitude += Math.abs(product);
                }
              }
            }
            faults.see(
              () => `tile ${j}, row ${y}, column ${x}, channel ${o}`,
              rows[y][at],
              relu ? Math.max(sum, 0) : sum,
              bound * magnitude,
            );
          }
        }
      }
    }
    faults.expectNone(nameOf(geometry), bound);
  });
}

/** One number that is not finite, in the third tile; upsampled, in the fourth too. */
export function testNotFinite(start: Start, small: Geometry): void {
  const tile = tileOf(small);
  const columns = tile * small.tiles;
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const upsample of [0, 1] as const) {
      for (const relu of [false, true]) {
        const geometry = { ...small, upsample };
        test(`convolution by Winograd [wasm]: one ${value}, ${nameOf(geometry)}, relu ${relu} → no finite number in its windows, others as without it outside its tiles`, () => {
          const machine = start();
          const weights = randomValues(2, 16 * 16 * 9);
          const random = randomValues(3, 8 * 40 * 16);
          const numbers = (r: number, x: number, i: number) => random[(r * 40 + x) * 16 + i];
          const good = makeBlock(geometry, numbers);
          const [row, column] = upsample === 1 ? [2, (3 * tile) / 2] : [3, 2 * tile + 3];
          const bad = makeBlock(geometry, (r, x, i) =>
            r === row && x === column && i === 7 ? value : numbers(r, x, i),
          );
          const wanted = runConvolution(machine, geometry, good, weights, { relu });
          const got = runConvolution(machine, geometry, bad, weights, { relu });
          let fault: string | undefined;
          let [hits, others] = [0, 0];
          for (let y = 0; y < tile; y++) {
            for (let x = 0; x < columns; x++) {
              const d = bad.tile(Math.floor(x / tile), 7);
              const outside = d.flat().every(Number.isFinite);
              const left = x % tile;
              const window = [0, 1, 2].flatMap((ky) => d[y + ky].slice(left, left + 3));
              const hit = window.some((number) => !Number.isFinite(number));
              for (let o = 0; o < 16; o++) {
                const number = got[y][x * 16 + o];
                const without = wanted[y][x * 16 + o];
                const where = () => `row ${y}, column ${x}, channel ${o}: ${number}`;
                if (hit && Number.isFinite(number)) fault ??= where();
                if (outside && !Object.is(number, without)) {
                  fault ??= `${where()}, expected ${without}`;
                }
                if (hit) hits++;
                if (outside) others++;
              }
            }
          }
          expect(fault).toBe(undefined);
          expect(Math.min(hits, others)).toBeGreaterThan(0);
        });
      }
    }
  }
}

export function testZeros(start: Start, small: Geometry): void {
  test(`convolution by Winograd [wasm]: −0 and 0 everywhere, ${nameOf(small)}, relu or not → zeros`, () => {
    const block = makeBlock(small, (r, x) => ((r + x) % 2 === 0 ? -0 : 0));
    const weights = randomValues(2, 16 * 16 * 9);
    for (const relu of [false, true]) {
      const bias = new Float32Array(16).fill(-0);
      for (const row of runConvolution(start(), small, block, weights, { relu, bias })) {
        expect(row.every((number) => number === 0)).toBe(true);
      }
    }
  });
}

export function testReluOfOddNumbers(start: Start, kernel: string, small: Geometry): void {
  test(`${kernel} [wasm]: relu of −0, smallest, largest, infinite and no numbers → as value < 0 ? 0 : value`, () => {
    // All products are 0; what is added makes the numbers.
    const geometry: Geometry = { ...small, tiles: 1 };
    const tile = tileOf(geometry);
    const stride = pointStride(GROUP, 4);
    const values = Float32Array.of(-0, 1e-45, -1e-45, -3e38, 3e38, NaN, Infinity, -Infinity);
    const added = Array.from({ length: tile }, (_, r) =>
      Float32Array.from({ length: 16 * tile }, (__, i) => values[(r + i) % values.length]),
    );
    const machine = start();
    const space = arena(machine.memory);
    const ptr = space.put(new Float32Array((pointsOf(geometry) * stride) / 4));
    const output = { add: true, relu: true, added };
    const rows = runTransformOutput(machine, space, geometry, () => ({ ptr, stride }), output);
    // −0 + 0 makes no difference between the zeros.
    const plain = (row: Float32Array) => [...row].map((value) => value + 0);
    for (let r = 0; r < tile; r++) {
      expect(plain(rows[r])).toEqual(plain(added[r].map((value) => (value < 0 ? 0 : value))));
    }
    space.check();
  });
}
