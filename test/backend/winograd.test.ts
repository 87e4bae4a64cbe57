import { beforeAll, describe, expect, test } from 'vitest';
import { instantiateKernels, type Kernels } from '../../src/backend/wasm/kernels.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { arena } from './arena.ts';
import {
  type Block,
  columnsOf,
  GEOMETRIES,
  type Geometry,
  GROUP,
  isSkipped,
  keepPoints,
  makeBlock,
  nameOf,
  POINTS,
  pointStride,
  putBlock,
  randomBlock,
  randomValues,
  TILES,
  V_CHANNELS,
  weightIndex,
  weightsOf,
  wholeTiles,
} from './winograd-block.ts';
import { AT, BT, G, magnitudes, sandwich, square } from './winograd-formula.ts';

/*
 * The f32 Winograd kernels of assembly/winograd.ts, each by itself and the three steps together, against float64.
 */

/** What writable regions are filled with, to see what is not written. */
const FILL = 777;
const ULP = 2 ** -24;

let memory: WebAssembly.Memory;
let kernels: Kernels;
beforeAll(async () => {
  memory = new WebAssembly.Memory({ initial: 80 });
  kernels = await instantiateKernels(await compileKernels(), memory);
});

type Space = ReturnType<typeof arena>;

const writable = (space: Space, count: number) =>
  space.put(new Float32Array(count).fill(FILL), { writable: true });

/** The first number that is off by more than its bound, in words; undefined for none. */
class Faults {
  first: string | undefined;
  /** The largest error, in bounds. */
  worst = 0;
  see(where: () => string, got: number, wanted: number, bound: number): void {
    const off = Math.abs(got - wanted);
    if (off <= bound) this.worst = Math.max(this.worst, off / (bound || 1));
    else this.first ??= `${where()}: got ${got}, expected ${wanted} ± ${bound}`;
  }
  expectNone(): void {
    expect(this.first).toBe(undefined);
  }
}

function runTransformInput(space: Space, geometry: Geometry, block: Block) {
  const { tiles, cin, upsample } = geometry;
  const { tablePtr, offset } = putBlock(space, geometry, block);
  const stride = pointStride(wholeTiles(tiles) * V_CHANNELS, 4);
  const columnBytes = columnsOf(geometry) * cin * 4;
  const scratchStride = columnBytes + 48;
  const scratchPtr = writable(space, (5 * scratchStride + columnBytes) / 4);
  const ptr = writable(space, (POINTS * stride) / 4);
  kernels.winogradTransformInput(
    ptr,
    stride,
    tablePtr,
    offset,
    scratchPtr,
    scratchStride,
    tiles,
    cin,
    upsample,
  );
  return { ptr, stride };
}

function runTransformWeights(space: Space, { cin, cout }: Geometry, weights: Float32Array): number {
  const ptr = writable(space, POINTS * cin * cout);
  kernels.winogradTransformWeights(ptr, space.put(weights), writable(space, 72), cin, cout);
  return ptr;
}

interface OutputCase {
  readonly add?: boolean;
  readonly relu?: boolean;
  readonly bias?: Float32Array;
  /** f32 [tiles · 4][cout] of each of four rows. */
  readonly added?: readonly Float32Array[];
}

/**
 * Transforms group after group of output channels.
 *
 * @param products  what makes one group's products, and their place
 * @returns the four rows f32 [tiles · 4][cout]
 */
function runTransformOutput(
  space: Space,
  { tiles, cout }: Geometry,
  products: (group: number) => { ptr: number; stride: number },
  { add = false, relu = false, bias = new Float32Array(cout), added = [] }: OutputCase,
): Float32Array[] {
  const lead = 2 * cout; // pixels left of the block
  const count = tiles * 4 * cout;
  const rows = Array.from({ length: 4 }, () => writable(space, lead + count));
  const others = added.map((row) =>
    space.put(Float32Array.from([...new Float32Array(lead).fill(NaN), ...row])),
  );
  const tablePtr = space.put(Uint32Array.from([...rows, ...others]));
  const scratchPtr = writable(space, 96);
  const biasPtr = space.put(bias);
  for (let group = 0; group < cout / GROUP; group++) {
    const { ptr, stride } = products(group);
    kernels.winogradTransformOutput(
      tablePtr,
      (lead + group * GROUP) * 4,
      ptr,
      stride,
      scratchPtr,
      biasPtr + group * GROUP * 4,
      tiles,
      cout,
      add ? 1 : 0,
      relu ? 1 : 0,
    );
  }
  return rows.map((ptr) => {
    const row = space.f32(ptr, lead + count);
    const left = row.slice(0, lead).every((value) => value === FILL);
    expect(left, 'pixels left of the block').toBe(true);
    return row.slice(lead);
  });
}

/** All three steps. */
function runConvolution(
  geometry: Geometry,
  block: Block,
  weights: Float32Array,
  output: OutputCase = {},
): Float32Array[] {
  const { tiles, cin, upsample } = geometry;
  const space = arena(memory);
  const { cout } = geometry;
  const all = space.f32(runTransformWeights(space, geometry, weights), POINTS * cin * cout);
  const u = keepPoints(all, GROUP * cin, upsample);
  const uPtr = space.put(u);
  const v = runTransformInput(space, geometry, block);
  const stride = pointStride(wholeTiles(tiles) * GROUP, 4);
  const ptr = writable(space, (POINTS * stride) / 4);
  const multiply = (group: number) => {
    const partPtr = uPtr + group * (u.byteLength / (cout / GROUP));
    kernels.winogradMultiply(ptr, stride, v.ptr, v.stride, partPtr, tiles, cin, upsample);
    return { ptr, stride };
  };
  const rows = runTransformOutput(space, geometry, multiply, output);
  space.check();
  return rows;
}

for (const [cin, cout] of [16, 32, 64].flatMap((i) => [16, 48, 64].map((o) => [i, o]))) {
  test(`winogradTransformWeights [wasm]: ${cin}→${cout} → within 8·2⁻²⁴·|G||w||Gᵀ| of float64`, () => {
    const weights = randomValues(cin + cout, cout * cin * 9);
    const space = arena(memory);
    const geometry = { tiles: 1, cin, cout, upsample: 0 } as const;
    const u = space.f32(runTransformWeights(space, geometry, weights), POINTS * cin * cout);
    const faults = new Faults();
    for (let o = 0; o < cout; o++) {
      for (let i = 0; i < cin; i++) {
        const w = weightsOf(weights, cin, o, i);
        const wanted = sandwich(G, w);
        const magnitude = sandwich(magnitudes(G), magnitudes(w));
        for (let p = 0; p < POINTS; p++) {
          const [r, c] = [Math.floor(p / 6), p % 6];
          const got = u[weightIndex(cin, p, o, i)];
          const where = () => `point ${p}, output ${o}, input ${i}`;
          faults.see(where, got, wanted[r][c], 8 * ULP * magnitude[r][c]);
        }
      }
    }
    faults.expectNone();
    space.check();
  });
}

for (const geometry of GEOMETRIES.filter(({ cout }) => cout === 16)) {
  const { tiles, cin, upsample } = geometry;
  test(`winogradTransformInput [wasm]: ${nameOf(geometry)} → within 8·2⁻²⁴·|Bᵀ||d||B| of float64, nothing between points written`, () => {
    const block = randomBlock(geometry);
    const space = arena(memory);
    const { ptr, stride } = runTransformInput(space, geometry, block);
    const v = space.f32(ptr, (POINTS * stride) / 4);
    const faults = new Faults();
    for (let j = 0; j < tiles; j++) {
      for (let i = 0; i < cin; i++) {
        const d = block.tile(j, i);
        const wanted = sandwich(BT, d);
        const magnitude = sandwich(magnitudes(BT), magnitudes(d));
        for (let p = 0; p < POINTS; p++) {
          const [r, c] = [Math.floor(p / 6), p % 6];
          const got = v[(p * stride) / 4 + j * V_CHANNELS + i];
          const where = () => `point ${p}, tile ${j}, channel ${i}`;
          // Left out because it is 0; whether it is written makes no difference.
          if (isSkipped(upsample, p)) faults.see(where, wanted[r][c], 0, 0);
          else faults.see(where, got, wanted[r][c], 8 * ULP * magnitude[r][c]);
        }
      }
    }
    for (let p = 0; p < POINTS; p++) {
      const part = v.slice((p * stride) / 4, ((p + 1) * stride) / 4);
      const beside = part.filter((_, n) => n >= tiles * V_CHANNELS || n % V_CHANNELS >= cin);
      expect(
        beside.every((value) => value === FILL),
        `beside point ${p}`,
      ).toBe(true);
    }
    faults.expectNone();
    space.check();
  });
}

for (const geometry of GEOMETRIES.filter(({ cout }) => cout === 16)) {
  const { tiles, cin, upsample } = geometry;
  test(`winogradMultiply [wasm]: ${nameOf(geometry)} → within 2·cin·2⁻²⁴·Σ|v·u| of float64, nothing between points written`, () => {
    const whole = wholeTiles(tiles);
    const [vStride, mStride] = [whole * V_CHANNELS, whole * GROUP].map((n) => pointStride(n, 4));
    // Numbers of tiles and channels past the block's are there and do not matter.
    const v = randomValues(cin, (POINTS * vStride) / 4);
    const u = randomValues(tiles, POINTS * cin * GROUP);
    const space = arena(memory);
    const [vPtr, uPtr] = [space.put(v), space.put(keepPoints(u, GROUP * cin, upsample))];
    const mPtr = writable(space, (POINTS * mStride) / 4);
    kernels.winogradMultiply(mPtr, mStride, vPtr, vStride, uPtr, tiles, cin, upsample);
    const m = space.f32(mPtr, (POINTS * mStride) / 4);
    const faults = new Faults();
    for (let p = 0; p < POINTS; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < GROUP; o++) {
          let sum = 0;
          let magnitude = 0;
          for (let i = 0; i < cin; i++) {
            const product =
              v[(p * vStride) / 4 + j * V_CHANNELS + i] * u[weightIndex(cin, p, o, i)];
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
      expect(
        pad.every((value) => value === FILL),
        `beside point ${p}`,
      ).toBe(true);
    }
    faults.expectNone();
    space.check();
  });
}

describe.each([
  { add: false, relu: false },
  { add: false, relu: true },
  { add: true, relu: false },
  { add: true, relu: true },
])('winogradTransformOutput, add $add, relu $relu', ({ add, relu }) => {
  for (const [tiles, cout] of [...TILES.map((t) => [t, 16]), [5, 48], [5, 64]]) {
    test(`winogradTransformOutput [wasm]: ${tiles} tiles, ${cout} channels, add ${add}, relu ${relu} → within 12·2⁻²⁴·(|Aᵀ||m||A| + |bias| + |added|) of float64`, () => {
      const geometry = { tiles, cin: 16, cout, upsample: 0 } as const;
      const stride = pointStride(tiles * GROUP, 4);
      const m = Array.from({ length: cout / GROUP }, (_, group) =>
        randomValues(tiles + group, (POINTS * stride) / 4),
      );
      const bias = randomValues(3, cout);
      const added = add
        ? Array.from({ length: 4 }, (_, r) => randomValues(r + 5, tiles * 4 * cout, 4))
        : [];
      const space = arena(memory);
      const output = { add, relu, bias, added };
      const ptrs = m.map((part) => space.put(part));
      const products = (group: number) => ({ ptr: ptrs[group], stride });
      const rows = runTransformOutput(space, geometry, products, output);
      const faults = new Faults();
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < cout; o++) {
          const part = m[Math.floor(o / GROUP)];
          const points = square(
            6,
            (r, c) => part[((6 * r + c) * stride) / 4 + j * GROUP + (o % GROUP)],
          );
          const wanted = sandwich(AT, points);
          const magnitude = sandwich(magnitudes(AT), magnitudes(points));
          for (let y = 0; y < 4; y++) {
            for (let x = 0; x < 4; x++) {
              const at = (4 * j + x) * cout + o;
              const other = add ? added[y][at] : 0;
              const value = wanted[y][x] + bias[o] + other;
              faults.see(
                () => `tile ${j}, row ${y}, column ${x}, channel ${o}`,
                rows[y][at],
                relu ? Math.max(value, 0) : value,
                12 * ULP * (magnitude[y][x] + Math.abs(bias[o]) + Math.abs(other)),
              );
            }
          }
        }
      }
      faults.expectNone();
      space.check();
    });
  }
});

/** Rounding errors grow by the transforms: as a multiple of Σ|pixel · weight|, the most that was measured is 1.8e-6. */
const CONVOLUTION_BOUND = 4e-6;

for (const [n, geometry] of GEOMETRIES.entries()) {
  const { tiles, cin, cout } = geometry;
  const [add, relu] = [n % 2 === 1, n % 4 > 1];
  test(`convolution by Winograd [wasm]: ${nameOf(geometry)}, add ${add}, relu ${relu} → within ${CONVOLUTION_BOUND}·Σ|x·w| of the direct one in float64`, () => {
    const block = randomBlock(geometry, 100 + n);
    const weights = randomValues(n, cout * cin * 9);
    const bias = randomValues(n + 1, cout);
    const added = add
      ? Array.from({ length: 4 }, (_, r) => randomValues(r + 5, tiles * 4 * cout))
      : [];
    const rows = runConvolution(geometry, block, weights, { add, relu, bias, added });
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
                  const product = d[i][y + ky][x + kx] * weight;
                  sum += product;
                  magnitude += Math.abs(product);
                }
              }
            }
            faults.see(
              () => `tile ${j}, row ${y}, column ${x}, channel ${o}`,
              rows[y][at],
              relu ? Math.max(sum, 0) : sum,
              CONVOLUTION_BOUND * magnitude,
            );
          }
        }
      }
    }
    if (process.env.MEASURE) console.log(nameOf(geometry), faults.worst * CONVOLUTION_BOUND);
    faults.expectNone();
  });
}

const SMALL: Geometry = { tiles: 5, cin: 16, cout: 16, upsample: 0 };

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
        const wanted = runConvolution(geometry, good, weights, { relu });
        const got = runConvolution(geometry, bad, weights, { relu });
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
    for (const row of runConvolution(SMALL, block, weights, { relu, bias })) {
      expect(row.every((number) => number === 0)).toBe(true);
    }
  }
});

test('winogradTransformOutput [wasm]: relu of −0, smallest, largest, infinite and no numbers → as value < 0 ? 0 : value', () => {
  // All products are 0; what is added makes the numbers.
  const geometry = { tiles: 1, cin: 16, cout: 16, upsample: 0 } as const;
  const stride = pointStride(GROUP, 4);
  const values = Float32Array.of(-0, 1e-45, -1e-45, -3e38, 3e38, NaN, Infinity, -Infinity);
  const added = Array.from({ length: 4 }, (_, r) =>
    Float32Array.from({ length: 64 }, (__, i) => values[(r + i) % values.length]),
  );
  const space = arena(memory);
  const ptr = space.put(new Float32Array((POINTS * stride) / 4));
  const output = { add: true, relu: true, added };
  const rows = runTransformOutput(space, geometry, () => ({ ptr, stride }), output);
  // −0 + 0 makes no difference between the zeros.
  const plain = (row: Float32Array) => [...row].map((value) => value + 0);
  for (let r = 0; r < 4; r++) {
    expect(plain(rows[r])).toEqual(plain(added[r].map((value) => (value < 0 ? 0 : value))));
  }
  space.check();
});
