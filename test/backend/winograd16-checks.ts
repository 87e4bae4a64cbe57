import { expect, test } from 'vitest';
import { rounds } from '../full-length.ts';
import { arena } from './arena.ts';
import {
  type Block,
  chunksOf,
  type Geometry,
  GROUP,
  isBeside,
  isSkipped,
  type Kind,
  makeBlock,
  nameOf,
  pointStride,
  pointsOf,
  randomValues,
  sideOf,
  V_CHANNELS,
  vCount,
  vIndex,
  weightPoint,
  weightPointsOf,
  wholeTiles,
} from './winograd-block.ts';
import { TRANSFORM_BOUNDS } from './winograd-checks.ts';
import { MATRICES, magnitudes, sandwich } from './winograd-formula.ts';
import { expectUntouched, type Machine, ULP } from './winograd-run.ts';
import {
  INPUT_MAX,
  index16,
  roundWeights,
  runMultiply16,
  runTransformInput16,
  unitIndex,
} from './winograd16-run.ts';

/*
 * Tests of the 16-bit Winograd kernels that are the same for each stride and tile; each takes what
 * gives the kernels once a test runs.
 */

type Start = () => Machine;

export function testTransformInput16(
  start: Start,
  kernel: string,
  [name, make]: readonly [string, (geometry: Geometry) => Block],
  geometry: Geometry,
  isFlat = false,
): void {
  const { tiles, cin } = geometry;
  const side = sideOf(geometry);
  const points = pointsOf(geometry);
  const whole = wholeTiles(tiles);
  const chunks = chunksOf(cin);
  /** Bounds of v before it is scaled, and of a scaled number. */
  const { input: exactBound } = TRANSFORM_BOUNDS[side];
  const roundedBound = 2 * exactBound;
  const what = `${name}, ${nameOf(geometry)}${isFlat ? ', flat' : ''}`;
  test(`${kernel} [wasm]: ${what} → within ±${INPUT_MAX} units and half a unit (and ${roundedBound}·2⁻²⁴ of the tile) of float64, nothing between points written`, () => {
    const machine = start();
    const { BT } = MATRICES[side];
    const magnitudesOfBT = magnitudes(BT);
    const block = make(geometry);
    const space = arena(machine.memory);
    const { ptr, stride, scalesPtr, scalesStride } = runTransformInput16(
      machine,
      space,
      geometry,
      block,
      isFlat,
    );
    const v = space.i16(ptr, (points * stride) / 2);
    const scales = space.f32(scalesPtr, (points * scalesStride) / 4);
    let fault: string | undefined;
    for (let j = 0; j < tiles; j++) {
      const channels = Array.from({ length: cin }, (_, i) => block.tile(j, i));
      const exact = channels.map((d) => sandwich(BT, d));
      const magnitude = channels.map((d) => sandwich(magnitudesOfBT, magnitudes(d)));
      for (let p = 0; p < points; p++) {
        if (isSkipped(geometry, p)) continue;
        const [r, c] = [Math.floor(p / side), p % side];
        for (let chunk = 0; chunk < chunks; chunk++) {
          const [first, end] = [chunk * V_CHANNELS, Math.min((chunk + 1) * V_CHANNELS, cin)];
          const scale = scales[(p * scalesStride) / 4 + chunk * whole + j];
          let most = 0;
          for (let i = first; i < end; i++) {
            // The largest number itself, but for rounding.
            const number = Math.abs(exact[i][r][c]) + exactBound * ULP * magnitude[i][r][c];
            most = Math.max(most, number * (1 + 2 * ULP));
          }
          if (!(scale * INPUT_MAX <= most + 1e-38)) {
            fault ??= `point ${p}, tile ${j}, chunk ${chunk}: scale ${scale} for ${most}`;
          }
          // All count as 0 if no number is larger.
          const isTiny = scale * INPUT_MAX < 1.000001e-30;
          const smallest = isTiny ? 1.000001e-30 : 1e-37;
          for (let i = first; i < end; i++) {
            const units = v[(p * stride) / 2 + vIndex(geometry, j, i)];
            const bound = 0.501 * scale + roundedBound * ULP * magnitude[i][r][c] + smallest;
            const off = Math.abs(units * scale - exact[i][r][c]);
            if (!(off <= bound) || Math.abs(units) > INPUT_MAX) {
              const where = `point ${p}, tile ${j}, channel ${i}`;
              fault ??= `${where}: ${units} · ${scale} for ${exact[i][r][c]}`;
            }
          }
        }
      }
    }
    expect(fault).toBe(undefined);
    for (let p = 0; p < points; p++) {
      const part = v.slice((p * stride) / 2, ((p + 1) * stride) / 2);
      const beside = part.filter((_, n) => isBeside(geometry, n));
      expectUntouched(beside, `beside point ${p}`);
      const numbers = scales.slice((p * scalesStride) / 4, ((p + 1) * scalesStride) / 4);
      const besideScales = numbers.filter((_, n) => n % whole >= tiles || n >= chunks * whole);
      expectUntouched(besideScales, `beside the scales of point ${p}`);
    }
    space.check();
  });
}

export function testSaturation(
  start: Start,
  [name, make]: readonly [string, (cin: number) => (p: number, o: number, i: number) => number],
  kind: Kind,
  cin = 64,
): void {
  const how = { 6: '', 8: ', tiles of 6×6', 9: ', stride 2' }[sideOf(kind)];
  const what = `${name}, ${cin} inputs ±${INPUT_MAX} with the weights' signs${how}`;
  test(`winogradMultiply16 [wasm]: ${what} → the exact sums, none wrapped`, () => {
    const machine = start();
    // Ten: the last two of a single chunk are multiplied in a loop of their own.
    const tiles = cin <= V_CHANNELS ? 10 : 8;
    const geometry: Geometry = { tiles, cin, cout: GROUP, upsample: 0, ...kind };
    const chunks = chunksOf(cin);
    const side = sideOf(geometry);
    const points = pointsOf(geometry);
    // One group of outputs: the number of points has no part in the places of weights and units.
    const rounded = roundWeights(machine, cin, GROUP, make(cin), weightPointsOf(kind));
    const { u16, units } = rounded;
    const vStride = pointStride(vCount(geometry), 2);
    const v = new Int16Array((points * vStride) / 2);
    const scales = randomValues(3, points * chunks * tiles).map((value) => Math.abs(value) + 0.1);
    for (let p = 0; p < points; p++) {
      for (let j = 0; j < tiles; j++) {
        for (let i = 0; i < cin; i++) {
          // Tile j goes for output channel j and against the one after it.
          const sign = u16[index16(cin, weightPoint(p, side), j, i)] < 0 ? -1 : 1;
          v[(p * vStride) / 2 + vIndex(geometry, j, i)] = (j % 2 === 0 ? sign : -sign) * INPUT_MAX;
        }
      }
    }
    const space = arena(machine.memory);
    const operand = {
      ptr: space.put(v),
      stride: vStride,
      scalesPtr: space.put(scales),
      scalesStride: chunks * tiles * 4,
      flatPtr: 0,
    };
    const m = runMultiply16(machine, space, geometry, operand, rounded);
    for (let p = 0; p < points; p++) {
      const weights = weightPoint(p, side);
      for (let j = 0; j < tiles; j++) {
        for (let o = 0; o < GROUP; o++) {
          let wanted = 0;
          let sum = 0;
          for (let i = 0; i < cin; i++) {
            sum += v[(p * vStride) / 2 + vIndex(geometry, j, i)] * u16[index16(cin, weights, o, i)];
            if (i % V_CHANNELS < V_CHANNELS - 1 && i < cin - 1) continue;
            // The chunk's last: its sum is exact, and is scaled and added in f32.
            const vScale = scales[(p * chunks + Math.floor(i / V_CHANNELS)) * tiles + j];
            const scale = Math.fround(vScale * units[unitIndex(cin, weights, o, i)]);
            wanted = Math.fround(wanted + Math.fround(Math.fround(sum) * scale));
            sum = 0;
          }
          const got = m.at(p, j, o);
          // An infinite scale of no weight is NaN either way.
          if (!Object.is(got + 0, wanted + 0)) {
            expect(got, `point ${p}, tile ${j}, output ${o}`).toBe(wanted);
          }
        }
      }
      expectUntouched(m.beside(p), `beside point ${p}`);
    }
    space.check();
  });
}

/** In the quick suite every sixth channel. */
const STEP = rounds(6, 1);

/**
 * NaN and infinity: whichever channel they are in, no finite number may come of them.
 *
 * @param place  row and column of the bad number
 */
export function testNotFinite16(
  start: Start,
  value: number,
  geometry: Geometry,
  [row, column]: readonly [number, number],
  isFlat = false,
): void {
  const { cin, tiles, upsample } = geometry;
  const side = sideOf(geometry);
  const how = [
    ...(side === 8 ? [', tiles of 6×6'] : []),
    ...(upsample === 1 ? [', upsampled'] : []),
    ...(geometry.stride === 2 ? [`, stride 2, pixel ${row}, ${column}`] : []),
    ...(isFlat ? [', flat'] : []),
  ].join('');
  test(`16-bit products [wasm]: ${value} in each of ${Math.ceil(cin / STEP)} channels in turn${how} → no finite product at the points that it reaches, other tiles as without it`, () => {
    const machine = start();
    const { BT } = MATRICES[side];
    const weightAt = (p: number, o: number, i: number) => Math.sin(p + 3 * o + 5 * i);
    const weights = roundWeights(machine, cin, GROUP, weightAt, weightPointsOf(geometry));
    const uFlat = isFlat ? randomValues(6, cin * GROUP) : undefined;
    const numbers = randomValues(4, 9 * 64 * cin);
    const products = (bad: number | undefined) => {
      const block = makeBlock(geometry, (r, x, i) =>
        r === row && x === column && i === bad ? value : numbers[(r * 64 + x) * cin + i],
      );
      const space = arena(machine.memory);
      const v = runTransformInput16(machine, space, geometry, block, isFlat);
      const { at } = runMultiply16(machine, space, geometry, v, { ...weights, uFlat });
      space.check();
      return { block, at };
    };
    const good = products(undefined);
    let fault: string | undefined;
    let hits = 0;
    for (let bad = 0; bad < cin; bad += STEP) {
      const { block, at } = products(bad);
      for (let j = 0; j < tiles; j++) {
        const d = block.tile(j, bad);
        const hit = d.flat().some((number) => !Number.isFinite(number));
        for (let p = 0; p < side ** 2; p++) {
          const [r, c] = [Math.floor(p / side), p % side];
          // The points whose rows of Bᵀ take the pixel; upsampled, that of two columns or rows may
          // cancel out.
          const reached = () =>
            d.some((pixels, y) =>
              pixels.some((number, x) => !Number.isFinite(number) && BT[r][y] * BT[c][x] !== 0),
            );
          const isReached = hit && !isSkipped(geometry, p) && reached();
          for (let o = 0; o < GROUP; o++) {
            const number = at(p, j, o);
            const where = () => `channel ${bad}, point ${p}, tile ${j}, output ${o}: ${number}`;
            if (!hit) {
              const without = good.at(p, j, o);
              if (number !== without) fault ??= `${where()}, expected ${without}`;
            } else if (isReached) {
              hits++;
              if (Number.isFinite(number)) fault ??= where();
            }
          }
        }
      }
    }
    expect(fault).toBe(undefined);
    expect(hits).toBeGreaterThan(0);
  });
}
