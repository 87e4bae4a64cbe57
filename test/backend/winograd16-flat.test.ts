import { beforeAll, describe, expect, test } from 'vitest';
import { everySecond, sampled } from '../full-length.ts';
import { arena } from './arena.ts';
import {
  chunksOf,
  GEOMETRIES,
  type Geometry,
  GROUP,
  isBeside,
  isSkipped,
  LARGE_GEOMETRIES,
  nameOf,
  pointStride,
  pointsOf,
  randomValues,
  STRIDE2_GEOMETRIES,
  sideOf,
  vCount,
  vIndex,
  weightPointsOf,
  wholeTiles,
} from './winograd-block.ts';
import { TRANSFORM_BOUNDS } from './winograd-checks.ts';
import { MATRICES, magnitudes, sandwich } from './winograd-formula.ts';
import { expectUntouched, Faults, type Machine, startMachine, ULP } from './winograd-run.ts';
import { testNotFinite16, testTransformInput16 } from './winograd16-checks.ts';
import { BLOCKS, roundWeights, runMultiply16, runTransformInput16 } from './winograd16-run.ts';

/*
 * Point (1, 1) beside 16-bit products: kept and multiplied in f32, `vFlat` and `uFlat` of
 * assembly/winograd16.ts.
 */

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
});
const start = () => machine;

const ALL = GEOMETRIES.filter(({ cout }) => cout === 16);
const STRIDE1 = sampled(everySecond(ALL), ALL);
const ALL_LARGE = LARGE_GEOMETRIES.filter(({ cout }) => cout === 16);
/** The sample has each number of channels once. */
const LARGE = sampled(
  ALL_LARGE.filter(({ tiles, upsample }, n) => tiles === 5 && n % 2 === upsample),
  ALL_LARGE,
);

const kernelOf = ({ tile }: Geometry) =>
  tile === 6 ? 'winograd6TransformInput16' : 'winogradTransformInput16';

describe.each(Object.entries(BLOCKS))('input: %s', (name, make) => {
  for (const geometry of [...STRIDE1, ...LARGE]) {
    testTransformInput16(start, kernelOf(geometry), [name, make], geometry, true);
  }

  for (const geometry of [...STRIDE1, ...LARGE]) {
    const { tiles, cin, upsample } = geometry;
    const side = sideOf(geometry);
    const points = pointsOf(geometry);
    const { input: ulps } = TRANSFORM_BOUNDS[side];
    // With tiles of 6×6, row 1 is scaled as without.
    const rows = Array.from({ length: side }, (_, r) => r).filter((r) => side === 8 || r !== 1);
    test(`${kernelOf(geometry)} [wasm]: ${name}, ${nameOf(geometry)}, flat → point (1, 1) within ${ulps}·2⁻²⁴·|Bᵀ||d||B| of float64, rows ${rows.join(' ')} equal to those without it, to the bit`, () => {
      const { BT } = MATRICES[side];
      const block = make(geometry);
      const run = (isFlat: boolean) => {
        const space = arena(machine.memory);
        const v = runTransformInput16(machine, space, geometry, block, isFlat);
        space.check();
        return {
          v: space.i16(v.ptr, (points * v.stride) / 2),
          scales: space.f32(v.scalesPtr, (points * v.scalesStride) / 4),
          flat: space.f32(v.flatPtr, vCount(geometry)),
        };
      };
      const [plain, kept] = [run(false), run(true)];
      const faults = new Faults();
      for (let j = 0; j < tiles; j++) {
        for (let i = 0; i < cin; i++) {
          const d = block.tile(j, i);
          const wanted = sandwich(BT, d)[1][1];
          // Products of subnormal numbers are off by up to half of the smallest of them: 14 times
          // that in all with tiles of 6×6.
          const smallest = side === 8 ? 2e-44 : 1e-44;
          const bound = ulps * ULP * sandwich(magnitudes(BT), magnitudes(d))[1][1] + smallest;
          const where = () => `tile ${j}, channel ${i}`;
          faults.see(where, kept.flat[vIndex(geometry, j, i)], wanted, bound);
        }
      }
      const beside = kept.flat.filter((_, n) => isBeside(geometry, n));
      expectUntouched(beside, 'beside point (1, 1)');
      for (const part of ['v', 'scales'] as const) {
        const count = kept[part].length / side;
        for (const r of rows) {
          if (upsample === 1 && r === 2) continue;
          const row = (numbers: Float32Array | Int16Array) =>
            numbers.slice(r * count, (r + 1) * count);
          const [got, wanted] = [row(kept[part]), row(plain[part])];
          const at = got.findIndex((value, n) => !Object.is(value, wanted[n]));
          const found = at < 0 ? 'none' : `${at}: got ${got[at]}, expected ${wanted[at]}`;
          expect(found, `${part} of row ${r}`).toBe('none');
        }
      }
      faults.expectNone();
    });
  }
});

const STRIDE2 = STRIDE2_GEOMETRIES.filter(({ cout }) => cout === 16);
for (const geometry of [...STRIDE1, ...LARGE, ...STRIDE2]) {
  const { tiles, cin } = geometry;
  test(`winogradMultiply16 [wasm]: ${nameOf(geometry)}, flat → point (1, 1) within 2·cin·2⁻²⁴·Σ|v·u| of float64, others equal to those without it, to the bit`, () => {
    const points = pointsOf(geometry);
    const whole = wholeTiles(tiles);
    const value = (p: number, o: number, i: number) => Math.sin(p + 3 * o + 5 * i);
    const weights = roundWeights(machine, cin, GROUP, value, weightPointsOf(geometry));
    const stride = pointStride(vCount(geometry), 2);
    const v = randomValues(tiles, (points * stride) / 2, 16383).map(Math.round);
    // Numbers of tiles and channels past the block's are there and do not matter.
    const vFlat = randomValues(cin, vCount(geometry));
    const uFlat = randomValues(tiles + 1, 2 * cin * 8);
    const space = arena(machine.memory);
    const operand = {
      ptr: space.put(Int16Array.from(v)),
      stride,
      scalesPtr: space.put(randomValues(5, points * chunksOf(cin) * whole)),
      scalesStride: chunksOf(cin) * whole * 4,
      flatPtr: space.put(vFlat),
    };
    const plain = runMultiply16(machine, space, geometry, operand, weights);
    const kept = runMultiply16(machine, space, geometry, operand, { ...weights, uFlat });
    space.check();
    const faults = new Faults();
    for (let p = 0; p < points; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < GROUP; o++) {
          const where = () => `point ${p}, tile ${j}, output ${o}`;
          if (p !== sideOf(geometry) + 1) {
            faults.see(where, kept.at(p, j, o), plain.at(p, j, o), 0);
            continue;
          }
          let sum = 0;
          let magnitude = 0;
          for (let i = 0; i < cin; i++) {
            const u = uFlat[(Math.floor(o / 8) * cin + i) * 8 + (o % 8)];
            sum += vFlat[vIndex(geometry, j, i)] * u;
            magnitude += Math.abs(vFlat[vIndex(geometry, j, i)] * u);
          }
          faults.see(where, kept.at(p, j, o), sum, 2 * cin * ULP * magnitude);
        }
      }
      if (isSkipped(geometry, p)) expect(kept.at(p, 0, 0)).toBe(0);
      expectUntouched(kept.beside(p), `beside point ${p}`);
    }
    faults.expectNone();
  });
}

for (const upsample of [0, 1] as const) {
  for (const value of [NaN, Infinity, -Infinity]) {
    const place = upsample === 1 ? ([1, 0] as const) : ([2, 4 + 3] as const);
    const geometry: Geometry = { tiles: 4, cin: 32, cout: 16, upsample, stride: 1 };
    testNotFinite16(start, value, geometry, place, true);
    const largePlace = upsample === 1 ? place : ([2, 6 + 3] as const);
    testNotFinite16(start, value, { ...geometry, tile: 6 }, largePlace, true);
  }
}
