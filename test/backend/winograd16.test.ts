import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmBackend } from '../../src/backend/wasm/index.ts';
import { instantiateKernels, type Kernels } from '../../src/backend/wasm/kernels.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import { conv3x3 } from '../../src/model/layers.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
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
  weightIndex,
  wholeTiles,
} from './winograd-block.ts';
import { BT, magnitudes, sandwich } from './winograd-formula.ts';

/*
 * The 16-bit Winograd kernels of assembly/winograd16.ts: rounding, scales, and that no sum leaves 32 bits.
 */

/** The largest magnitude of a rounded input. */
const INPUT_MAX = 16383;
const FILL = 777;

let memory: WebAssembly.Memory;
let kernels: Kernels;
beforeAll(async () => {
  memory = new WebAssembly.Memory({ initial: 80 });
  kernels = await instantiateKernels(await compileKernels(), memory);
});

type Space = ReturnType<typeof arena>;

const writable = (space: Space, count: number) =>
  space.put(new Float32Array(count).fill(FILL), { writable: true });

/** Where the rounded weight lies in i16 [cout / 16][36][2][cin / 2][8][2]. */
function index16(cin: number, p: number, o: number, i: number): number {
  const tile = (Math.floor(o / GROUP) * POINTS + p) * 2 + Math.floor((o % GROUP) / 8);
  return (tile * (cin / 2) + Math.floor(i / 2)) * 16 + (o % 8) * 2 + (i % 2);
}

/** Where its unit lies in f32 [cout / 16][36][16]. */
const unitIndex = (p: number, o: number): number =>
  (Math.floor(o / GROUP) * POINTS + p) * GROUP + (o % GROUP);

/** Rounds weights that are given at each point. */
function roundWeights(
  cin: number,
  cout: number,
  value: (p: number, o: number, i: number) => number,
) {
  const u = new Float32Array(POINTS * cin * cout);
  for (let p = 0; p < POINTS; p++) {
    for (let o = 0; o < cout; o++) {
      for (let i = 0; i < cin; i++) u[weightIndex(cin, p, o, i)] = value(p, o, i);
    }
  }
  const space = arena(memory);
  const u16Ptr = space.put(new Int16Array(u.length).fill(FILL), { writable: true });
  const unitsPtr = writable(space, POINTS * cout);
  kernels.winogradRoundWeights(u16Ptr, unitsPtr, space.put(u), cin, (POINTS * cout) / 8);
  space.check();
  return { u, u16: space.i16(u16Ptr, u.length), units: space.f32(unitsPtr, POINTS * cout) };
}

/** Weights that come to their limits, by output channel and input channel. */
const WEIGHTS: Record<string, (cin: number) => (p: number, o: number, i: number) => number> = {
  random: (cin) => {
    const random = randomValues(cin, POINTS * 64 * cin);
    return (p, o, i) => random[(p * 64 + o) * cin + i];
  },
  'all equal and large': () => () => 3e30,
  'equal magnitudes, signs by channel': () => (_, o, i) => ((o * 7 + i * 5) % 3 === 0 ? -1 : 1),
  'one large, others nearly nothing': () => (_, o, i) => (i === o % 16 ? -1e20 : 1e-20),
  'one alone': () => (_, o, i) => (i === o % 16 ? -2 : 0),
  'halves of a unit': () => (_, __, i) => (i === 0 ? 32767 : (i % 7) + 0.5),
  '1e-30 to 1e30': () => (p, o, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (((p + o + i) % 61) - 30),
  zeros: () => () => 0,
  'too small to scale': () => (_, o, i) => (1 + ((o + i) % 3)) * 1e-43,
};

describe.each(Object.entries(WEIGHTS))('weights: %s', (name, make) => {
  for (const [cin, cout] of [
    [16, 16],
    [32, 48],
    [64, 64],
  ]) {
    test(`winogradRoundWeights [wasm]: ${name}, ${cin}→${cout} → to nearest, at most 32767, ${INPUT_MAX} times their sum below 2³¹`, () => {
      const { u, u16, units } = roundWeights(cin, cout, make(cin));
      for (let p = 0; p < POINTS; p++) {
        for (let o = 0; o < cout; o++) {
          const unit = units[unitIndex(p, o)];
          let sum = 0;
          let far: string | undefined;
          for (let i = 0; i < cin; i++) {
            const rounded = u16[index16(cin, p, o, i)];
            const value = u[weightIndex(cin, p, o, i)];
            sum += Math.abs(rounded);
            // To nearest by an f32 quotient; what is below the smallest unit of all is 0.
            const bound = unit * (0.5 + 32767 * 2 ** -24) + (unit < 2 ** -126 ? 2 ** -126 : 0);
            if (!(Math.abs(rounded * unit - value) <= bound)) {
              far ??= `input ${i}: ${rounded} · ${unit} for ${value}`;
            }
          }
          expect(far, `point ${p}, output ${o}`).toBe(undefined);
          expect(sum * INPUT_MAX, `point ${p}, output ${o}`).toBeLessThan(2 ** 31);
        }
      }
    });
  }

  test(`winogradMultiply16 [wasm]: ${name}, inputs ±${INPUT_MAX} with the weights' signs → the exact sums, none wrapped`, () => {
    const [cin, tiles] = [64, 8];
    const { u16, units } = roundWeights(cin, GROUP, make(cin));
    const vStride = pointStride(tiles * cin, 2);
    const mStride = pointStride(tiles * GROUP, 4);
    const v = new Int16Array((POINTS * vStride) / 2);
    const scales = randomValues(3, POINTS * tiles).map((value) => Math.abs(value) + 0.1);
    for (let p = 0; p < POINTS; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let i = 0; i < cin; i++) {
          // Tile j goes for output channel j and against the one after it.
          const sign = u16[index16(cin, p, j, i)] < 0 ? -1 : 1;
          v[(p * vStride) / 2 + j * cin + i] = (j % 2 === 0 ? sign : -sign) * INPUT_MAX;
        }
      }
    }
    const space = arena(memory);
    const mPtr = writable(space, (POINTS * mStride) / 4);
    kernels.winogradMultiply16(
      mPtr,
      mStride,
      space.put(v),
      vStride,
      space.put(scales),
      tiles * 4,
      space.put(u16),
      space.put(units),
      tiles,
      cin,
      0,
    );
    const m = space.f32(mPtr, (POINTS * mStride) / 4);
    for (let p = 0; p < POINTS; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < GROUP; o++) {
          let sum = 0;
          for (let i = 0; i < cin; i++) {
            sum += v[(p * vStride) / 2 + j * cin + i] * u16[index16(cin, p, o, i)];
          }
          const scale = Math.fround(scales[p * tiles + j] * units[unitIndex(p, o)]);
          const wanted = Math.fround(Math.fround(sum) * scale);
          const got = m[(p * mStride) / 4 + j * GROUP + o];
          // An infinite scale of no weight is NaN either way.
          if (!Object.is(got + 0, wanted + 0)) {
            expect(got, `point ${p}, tile ${j}, output ${o}, sum ${sum}`).toBe(wanted);
          }
        }
      }
    }
    space.check();
  });
});

test('winogradRoundWeights [wasm]: weights whose sum is past the range of f32 → no trap, a unit that is not finite', () => {
  const { units } = roundWeights(64, 16, () => 1e38);
  expect(units.every((unit) => unit === Infinity)).toBe(true);
});

/** @returns i16 and scales as the multiplication takes them */
function transformInput16(space: Space, geometry: Geometry, block: Block) {
  const { tiles, cin, upsample } = geometry;
  const { tablePtr, offset } = putBlock(space, geometry, block);
  const whole = wholeTiles(tiles);
  const stride = pointStride(whole * cin, 2);
  const ptr = space.put(new Int16Array((POINTS * stride) / 2).fill(FILL), { writable: true });
  const scalesStride = whole * 4 + 16;
  const scalesPtr = writable(space, (POINTS * scalesStride) / 4);
  const columns = columnsOf(geometry);
  const scratchStride = columns * cin * 4 + 48;
  const mostStride = columns * 4 + 16;
  kernels.winogradTransformInput16(
    ptr,
    stride,
    scalesPtr,
    scalesStride,
    tablePtr,
    offset,
    writable(space, (5 * scratchStride) / 4 + columns * cin),
    scratchStride,
    writable(space, (5 * mostStride) / 4 + columns),
    mostStride,
    tiles,
    cin,
    upsample,
  );
  return { ptr, stride, scalesPtr, scalesStride };
}

/** A tile's unit may be that of its largest number in a row of points, and of a bound on that. */
const SLACK = 16;

/** Blocks that come to the limits of 16 bits. */
const BLOCKS: Record<string, (geometry: Geometry) => Block> = {
  random: (geometry) => randomBlock(geometry, 9),
  'the same number everywhere': (geometry) => makeBlock(geometry, () => -7),
  'signs that add up in every row of Bᵀ': (geometry) =>
    makeBlock(geometry, (r, x, i) => ((r + x) % 2 === 0 ? 1 : -1) * (1 + (i % 3))),
  'one channel alone': (geometry) =>
    makeBlock(geometry, (r, x, i) => (i === 5 ? (r * 3 + x) % 5 : 0)),
  '1e-30 to 1e30 by channel': (geometry) =>
    makeBlock(geometry, (r, x, i) => Math.cos(r * 5 + x) * 10 ** ((i % 61) - 30)),
  '1e-30 to 1e30 by pixel': (geometry) =>
    makeBlock(geometry, (r, x, i) => Math.cos(r + i) * 10 ** ((x % 61) - 30)),
  zeros: (geometry) => makeBlock(geometry, () => 0),
  'numbers too small to scale': (geometry) =>
    makeBlock(geometry, (r, x, i) => ((r + x + i) % 2) * 1e-42),
};

describe.each(Object.entries(BLOCKS))('input: %s', (name, make) => {
  for (const geometry of GEOMETRIES.filter(({ cout }) => cout === 16)) {
    const { tiles, cin, upsample } = geometry;
    test(`winogradTransformInput16 [wasm]: ${name}, ${nameOf(geometry)} → within ±${INPUT_MAX} units and half a unit (and 16·2⁻²⁴ of the tile) of float64, nothing between points written`, () => {
      const block = make(geometry);
      const space = arena(memory);
      const { ptr, stride, scalesPtr, scalesStride } = transformInput16(space, geometry, block);
      const v = space.i16(ptr, (POINTS * stride) / 2);
      const scales = space.f32(scalesPtr, (POINTS * scalesStride) / 4);
      let fault: string | undefined;
      for (let j = 0; j < tiles; j++) {
        const channels = Array.from({ length: cin }, (_, i) => block.tile(j, i));
        const exact = channels.map((d) => sandwich(BT, d));
        const magnitude = channels.map((d) => sandwich(magnitudes(BT), magnitudes(d)));
        for (let p = 0; p < POINTS; p++) {
          if (isSkipped(upsample, p)) continue;
          const [r, c] = [Math.floor(p / 6), p % 6];
          const scale = scales[(p * scalesStride) / 4 + j];
          const most = magnitude.reduce((sum, m) => Math.max(sum, ...m[r]), 0);
          if (!(scale * INPUT_MAX <= SLACK * most + 1e-38)) fault ??= `scale ${scale} for ${most}`;
          for (let i = 0; i < cin; i++) {
            const units = v[(p * stride) / 2 + j * cin + i];
            const bound = 0.501 * scale + 16 * 2 ** -24 * magnitude[i][r][c] + 1e-37;
            const off = Math.abs(units * scale - exact[i][r][c]);
            if (!(off <= bound) || Math.abs(units) > INPUT_MAX) {
              const where = `point ${p}, tile ${j}, channel ${i}`;
              fault ??= `${where}: ${units} · ${scale} for ${exact[i][r][c]}`;
            }
          }
        }
      }
      expect(fault).toBe(undefined);
      for (let p = 0; p < POINTS; p++) {
        const pad = v.slice((p * stride) / 2 + tiles * cin, ((p + 1) * stride) / 2);
        expect(
          pad.every((value) => value === FILL),
          `beside point ${p}`,
        ).toBe(true);
      }
      space.check();
    });
  }
});

/*
 * NaN and infinity: whichever channel they are in, no finite number may come of them.
 */
for (const upsample of [0, 1] as const) {
  for (const value of [NaN, Infinity, -Infinity]) {
    test(`16-bit products [wasm]: ${value} in each of 32 channels in turn${upsample === 1 ? ', upsampled' : ''} → no finite product at the points that it reaches, other tiles as without it`, () => {
      const geometry = { tiles: 4, cin: 32, cout: 16, upsample };
      const [cin, tiles] = [32, 4];
      const { u16, units } = roundWeights(cin, GROUP, (p, o, i) => Math.sin(p + 3 * o + 5 * i));
      const products = (bad: number | undefined) => {
        const numbers = randomValues(4, 6 * 32 * cin);
        // In one tile alone: upsampled, column 0, else in the second tile's middle.
        const [row, column] = upsample === 1 ? [1, 0] : [2, 4 + 3];
        const block = makeBlock(geometry, (r, x, i) =>
          r === row && x === column && i === bad ? value : numbers[(r * 32 + x) * cin + i],
        );
        const space = arena(memory);
        const v = transformInput16(space, geometry, block);
        const mStride = pointStride(tiles * GROUP, 4);
        const mPtr = writable(space, (POINTS * mStride) / 4);
        kernels.winogradMultiply16(
          mPtr,
          mStride,
          v.ptr,
          v.stride,
          v.scalesPtr,
          v.scalesStride,
          space.put(keepPoints(u16, GROUP * cin, upsample)),
          space.put(keepPoints(units, GROUP, upsample)),
          tiles,
          cin,
          upsample,
        );
        space.check();
        const m = space.f32(mPtr, (POINTS * mStride) / 4);
        return {
          block,
          at: (p: number, j: number, o: number) => m[(p * mStride) / 4 + j * 16 + o],
        };
      };
      const good = products(undefined);
      for (let bad = 0; bad < cin; bad++) {
        const { block, at } = products(bad);
        for (let j = 0; j < tiles; j++) {
          const d = block.tile(j, bad);
          const hit = d.flat().some((number) => !Number.isFinite(number));
          for (let p = 0; p < POINTS; p++) {
            const [r, c] = [Math.floor(p / 6), p % 6];
            // The points whose rows of Bᵀ take the pixel; upsampled, that of two columns or rows may cancel out.
            const reached = d.some((row, y) =>
              row.some((number, x) => !Number.isFinite(number) && BT[r][y] * BT[c][x] !== 0),
            );
            for (let o = 0; o < GROUP; o++) {
              const where = `channel ${bad}, point ${p}, tile ${j}, output ${o}: ${at(p, j, o)}`;
              if (!hit) expect(at(p, j, o), where).toBe(good.at(p, j, o));
              else if (reached && !isSkipped(upsample, p)) {
                expect(Number.isFinite(at(p, j, o)), where).toBe(false);
              }
            }
          }
        }
      }
    });
  }
}

/*
 * Whole convolutions in precision fast, in which everything is as bad as it can be.
 */

/** Of the largest Σ|pixel · weight| in the tile's surroundings. */
const BOUND = 8e-3;

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

for (const [name, make] of Object.entries(INPUTS)) {
  for (const cin of [16, 64]) {
    test(`Program [wasm]: fast, ${cin}→16, ${name} → finite, within ${BOUND} of the largest Σ|x·w| around in float64`, async () => {
      const [height, width, cout] = [9, 37, 16];
      const network = [conv3x3(cin, cout, { bias: false })];
      const weight = randomTensor(seededRandom(cin), [cout, cin, 3, 3]);
      const bound = bindNetwork('test', 'network', network, new Map([['0.weight', weight]]));
      const value = make(weight, cin);
      const data = Float32Array.from({ length: cin * height * width }, (_, n) => {
        const [i, y, x] = [
          Math.floor(n / (height * width)),
          Math.floor(n / width) % height,
          n % width,
        ];
        return value(i, y, x);
      });
      const wasm = await createWasmBackend({ precision: 'fast' });
      const got = runProgram(wasm.compile(bound), network, {
        shape: [1, cin, height, width],
        data,
      });
      const exact = new Float64Array(got.data.length);
      const magnitude = new Float64Array(got.data.length);
      for (let o = 0; o < cout; o++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const at = (o * height + y) * width + x;
            for (let i = 0; i < cin; i++) {
              for (let k = 0; k < 9; k++) {
                const [row, column] = [y + Math.floor(k / 3) - 1, x + (k % 3) - 1];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const product =
                  data[(i * height + row) * width + column] * weight.data[(o * cin + i) * 9 + k];
                exact[at] += product;
                magnitude[at] += Math.abs(product);
              }
            }
          }
        }
      }
      let worst = 0;
      let fault: string | undefined;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          // The largest in the tile and its neighbours.
          let most = 0;
          const [top, left] = [y - (y % 4), x - (x % 4)];
          for (let o = 0; o < cout; o++) {
            for (let r = Math.max(top - 1, 0); r < Math.min(top + 5, height); r++) {
              for (let c = Math.max(left - 1, 0); c < Math.min(left + 5, width); c++) {
                most = Math.max(most, magnitude[(o * height + r) * width + c]);
              }
            }
          }
          for (let o = 0; o < cout; o++) {
            const at = (o * height + y) * width + x;
            const error = Math.abs(got.data[at] - exact[at]) / (most || 1);
            worst = Math.max(worst, error);
            if (!(error <= BOUND)) {
              fault ??= `element ${at}: got ${got.data[at]}, expected ${exact[at]} of ${most}`;
            }
          }
        }
      }
      if (process.env.MEASURE) console.log(`${name}, ${cin}`, worst);
      expect(fault).toBe(undefined);
    });
  }
}
