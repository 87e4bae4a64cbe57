import { test } from 'vitest';
import { arena } from './arena.ts';
import {
  type Geometry,
  GROUP,
  isBeside,
  isSkipped,
  keepPoints,
  nameOf,
  pointStride,
  pointsOf,
  randomBlock,
  randomValues,
  sideOf,
  vCount,
  vIndex,
  WEIGHT_POINTS,
  weightIndex,
  weightPoint,
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
 * Tests of the f32 Winograd kernels that are the same for either stride; each takes what gives the
 * kernels once a test runs.
 */

type Start = () => Machine;

export function testTransformWeights(
  start: Start,
  geometry: Geometry,
  stage = 'winogradTransformWeights',
): void {
  const { cin, cout, stride } = geometry;
  test(`${stage} [wasm]: ${cin}→${cout}, stride ${stride} → within 8·2⁻²⁴·|G||w||Gᵀ| of float64`, () => {
    const machine = start();
    const { G } = MATRICES[stride];
    const weights = randomValues(cin + cout, cout * cin * 9);
    const space = arena(machine.memory);
    const ptr = runTransformWeights(machine, space, geometry, weights);
    const u = space.f32(ptr, WEIGHT_POINTS * cin * cout);
    const at = (p: number, o: number, i: number) => u[weightIndex(cin, p, o, i)];
    const faults = weightFaults(G, weights, [cout, cin], at);
    faults.expectNone(`weights, ${nameOf(geometry)}: ulp`, 8);
    space.check();
  });
}

/**
 * Compares transformed weights with G w Gᵀ in float64.
 *
 * @param got  returns the weight at a point, for an output and an input channel
 */
function weightFaults(
  G: Parameters<typeof sandwich>[0],
  weights: Float32Array,
  [cout, cin]: readonly [cout: number, cin: number],
  got: (point: number, output: number, input: number) => number,
): Faults {
  const faults = new Faults();
  for (let o = 0; o < cout; o++) {
    for (let i = 0; i < cin; i++) {
      const w = weightsOf(weights, cin, o, i);
      const wanted = sandwich(G, w);
      const magnitude = sandwich(magnitudes(G), magnitudes(w));
      for (let p = 0; p < WEIGHT_POINTS; p++) {
        const [r, c] = [Math.floor(p / 6), p % 6];
        const where = () => `point ${p}, output ${o}, input ${i}`;
        faults.see(where, got(p, o, i), wanted[r][c], 8 * ULP * magnitude[r][c]);
      }
    }
  }
  return faults;
}

/** A group's weights are transformed each time they are needed, to points that lie apart. */
export function testTransformGroup(start: Start, cin: number): void {
  test(`winogradTransformGroup [wasm]: ${cin}→16 → within 8·2⁻²⁴·|G||w||Gᵀ| of float64, nothing between points written`, () => {
    const { kernels, memory } = start();
    const { G } = MATRICES[1];
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
    const faults = weightFaults(G, weights, [GROUP, cin], at);
    for (let p = 0; p < WEIGHT_POINTS; p++) {
      const pad = u.slice((p * stride) / 4 + GROUP * cin, ((p + 1) * stride) / 4);
      expectUntouched(pad, `beside point ${p}`);
    }
    faults.expectNone(`weights of a group, ${cin}: ulp`, 8);
    space.check();
  });
}

export function testTransformInput(start: Start, kernel: string, geometry: Geometry): void {
  const { tiles, cin, upsample } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  test(`${kernel} [wasm]: ${nameOf(geometry)} → within 8·2⁻²⁴·|Bᵀ||d||B| of float64, nothing between points written`, () => {
    const machine = start();
    const { BT } = MATRICES[geometry.stride];
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
          if (isSkipped(upsample, p)) faults.see(where, wanted[r][c], 0, 0);
          else faults.see(where, got, wanted[r][c], 8 * ULP * magnitude[r][c]);
        }
      }
    }
    for (let p = 0; p < points; p++) {
      const part = v.slice((p * stride) / 4, ((p + 1) * stride) / 4);
      const beside = part.filter((_, n) => isBeside(geometry, n));
      expectUntouched(beside, `beside point ${p}`);
    }
    faults.expectNone(`input, ${nameOf(geometry)}: ulp`, 8);
    space.check();
  });
}

export function testMultiply(start: Start, geometry: Geometry): void {
  const { tiles, cin, upsample } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  test(`winogradMultiply [wasm]: ${nameOf(geometry)} → within 2·cin·2⁻²⁴·Σ|v·u| of float64, nothing between points written`, () => {
    const machine = start();
    const whole = wholeTiles(tiles);
    const vStride = pointStride(vCount(geometry), 4);
    // Numbers of tiles and channels past the block's are there and do not matter.
    const v = randomValues(cin, (points * vStride) / 4);
    const u = randomValues(tiles, WEIGHT_POINTS * cin * GROUP);
    const space = arena(machine.memory);
    const operand = { ptr: space.put(v), stride: vStride };
    const uPtr = space.put(keepPoints(u, GROUP * cin, upsample));
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
              u[weightIndex(cin, weightPoint(p, side), o, i)];
            sum += product;
            magnitude += Math.abs(product);
          }
          const skipped = isSkipped(upsample, p);
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
  test(`${kernel} [wasm]: ${tiles} tiles, ${cout} channels, add ${add}, relu ${relu} → within 12·2⁻²⁴·(|Aᵀ||m||A| + |bias| + |added|) of float64`, () => {
    const machine = start();
    const { AT } = MATRICES[geometry.stride];
    const magnitudesOfAT = magnitudes(AT);
    const stride = pointStride(tiles * GROUP, 4);
    const m = Array.from({ length: cout / GROUP }, (_, group) =>
      randomValues(tiles + group, (points * stride) / 4),
    );
    const bias = randomValues(3, cout);
    const added = add
      ? Array.from({ length: 4 }, (_, r) => randomValues(r + 5, tiles * 4 * cout, 4))
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
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 4; x++) {
            const n = (4 * j + x) * cout + o;
            const other = add ? added[y][n] : 0;
            const value = wanted[y][x] + bias[o] + other;
            faults.see(
              () => `tile ${j}, row ${y}, column ${x}, channel ${o}`,
              rows[y][n],
              relu ? Math.max(value, 0) : value,
              12 * ULP * (magnitude[y][x] + Math.abs(bias[o]) + Math.abs(other)),
            );
          }
        }
      }
    }
    faults.expectNone(`output, ${nameOf(geometry)}: ulp`, 12);
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
  test(`convolution by Winograd [wasm]: ${nameOf(geometry)}, add ${add}, relu ${relu} → within ${bound}·Σ|x·w| of the direct one in float64`, () => {
    const block = randomBlock(geometry, 100 + seed);
    const weights = randomValues(seed, cout * cin * 9);
    const bias = randomValues(seed + 1, cout);
    const added = add
      ? Array.from({ length: 4 }, (_, r) => randomValues(r + 5, tiles * 4 * cout))
      : [];
    const rows = runConvolution(start(), geometry, block, weights, { add, relu, bias, added });
    const faults = new Faults();
    for (let j = 0; j < tiles; j++) {
      const d = Array.from({ length: cin }, (_, i) => block.tile(j, i));
      for (let o = 0; o < cout; o++) {
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 4; x++) {
            const at = (4 * j + x) * cout + o;
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
