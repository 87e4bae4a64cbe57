import { jobOf } from '../../src/backend/wasm/job.ts';
import * as fields from '../../src/backend/wasm/job-layout.ts';
import { WINOGRAD_KERNELS } from '../../src/backend/wasm/winograd.ts';
import { arena } from './arena.ts';
import {
  type Block,
  chunksOf,
  type Geometry,
  GROUP,
  keepPoints,
  LARGE_POINTS,
  makeBlock,
  pointStride,
  pointsOf,
  putBlock,
  randomBlock,
  randomValues,
  sideOf,
  V_CHANNELS,
  vCount,
  WEIGHT_POINTS,
  weightIndex,
  wholeTiles,
} from './winograd-block.ts';
import { FILL, type Machine, type Space, scratchCount, writable } from './winograd-run.ts';

/*
 * Calls of the 16-bit Winograd kernels with operands in an arena, for each stride and tile, and
 * numbers that come to the limits of 16 bits.
 */

/** The largest magnitude of a rounded input. */
export const INPUT_MAX = 16383;

/** Returns the place of a rounded weight in i16 [cout / 16][points][2][cin / 2][8][2]. */
export function index16(
  cin: number,
  p: number,
  o: number,
  i: number,
  points = WEIGHT_POINTS,
): number {
  const tile = (Math.floor(o / GROUP) * points + p) * 2 + Math.floor((o % GROUP) / 8);
  return (tile * (cin / 2) + Math.floor(i / 2)) * 16 + (o % 8) * 2 + (i % 2);
}

/** The place of its unit in f32 [cout / 16][points][2][chunks][8]. */
export function unitIndex(
  cin: number,
  p: number,
  o: number,
  i: number,
  points = WEIGHT_POINTS,
): number {
  const tile = (Math.floor(o / GROUP) * points + p) * 2 + Math.floor((o % GROUP) / 8);
  return (tile * chunksOf(cin) + Math.floor(i / V_CHANNELS)) * 8 + (o % 8);
}

/** Rounds weights that are given at each point. */
export function roundWeights(
  { memory, kernels }: Machine,
  cin: number,
  cout: number,
  value: (p: number, o: number, i: number) => number,
  points = WEIGHT_POINTS,
) {
  const u = new Float32Array(points * cin * cout);
  for (let p = 0; p < points; p++) {
    for (let o = 0; o < cout; o++) {
      for (let i = 0; i < cin; i++) u[weightIndex(cin, p, o, i, points)] = value(p, o, i);
    }
  }
  const space = arena(memory);
  const u16Ptr = space.put(new Int16Array(u.length).fill(FILL), { writable: true });
  const unitCount = points * cout * chunksOf(cin);
  const unitsPtr = writable(space, unitCount);
  kernels.winogradRoundWeights(u16Ptr, unitsPtr, space.put(u), cin, (points * cout) / 8);
  space.check();
  return { u, u16: space.i16(u16Ptr, u.length), units: space.f32(unitsPtr, unitCount) };
}

type WeightValues = (cin: number) => (p: number, o: number, i: number) => number;

/** Weights that come to their limits, by output channel and input channel. */
export const WEIGHTS: Record<string, WeightValues> = {
  random: (cin) => {
    const random = randomValues(cin, LARGE_POINTS * 64 * cin);
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

/** Blocks that come to the limits of 16 bits. */
export const BLOCKS: Record<string, (geometry: Geometry) => Block> = {
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

/** What the input's transform leaves, for the multiplication to take. */
export interface Transformed {
  readonly ptr: number;
  readonly stride: number;
  readonly scalesPtr: number;
  readonly scalesStride: number;
  /** 0 for none. */
  readonly flatPtr: number;
}

/** @param isFlat  whether point (1, 1) is kept unrounded, with stride 1 alone */
export function runTransformInput16(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  block: Block,
  isFlat = false,
): Transformed {
  const { tiles, cin, upsample } = geometry;
  const side = sideOf(geometry);
  const { tablePtr, offset } = putBlock(space, geometry, block);
  const whole = wholeTiles(tiles);
  const stride = pointStride(vCount(geometry), 2);
  const v = new Int16Array((side ** 2 * stride) / 2).fill(FILL);
  const ptr = space.put(v, { writable: true });
  const scalesStride = chunksOf(cin) * whole * 4 + 16;
  const scalesPtr = writable(space, (side ** 2 * scalesStride) / 4);
  // With tiles of 6×6, points of the scratch lie as far apart as 64 channels.
  const channels = side === 8 ? V_CHANNELS : Math.min(cin, V_CHANNELS);
  const rowCount = scratchCount(geometry);
  const scratchStride = rowCount * 4 + 48;
  const scratchPtr = writable(space, ((side - 1) * scratchStride) / 4 + rowCount);
  // With tiles of 6×6, the maxima lie behind the points.
  const tilePtr = writable(space, side * channels + (side === 8 ? 32 : 0));
  const flatPtr = isFlat ? writable(space, vCount(geometry)) : 0;
  const jobPtr = space.put(
    jobOf([
      [fields.JOB_CIN, cin],
      [fields.JOB_INPUT_ROWS, tablePtr],
      [fields.JOB_COLUMNS, scratchPtr],
      [fields.JOB_COLUMNS_STRIDE, scratchStride],
      [fields.JOB_V, ptr],
      [fields.JOB_V_STRIDE, stride],
      [fields.JOB_V_CHUNK, whole * V_CHANNELS * 2],
      [fields.JOB_SCALES, scalesPtr],
      [fields.JOB_SCALES_STRIDE, scalesStride],
      [fields.JOB_SCALES_CHUNK, whole * 4],
      [fields.JOB_TILE, tilePtr],
      [fields.JOB_V_FLAT, flatPtr],
      [fields.JOB_UPSAMPLE, upsample],
    ]),
  );
  const [transformInput] = WINOGRAD_KERNELS.i16[sideOf(geometry)];
  kernels[transformInput](jobPtr, offset, tiles);
  return { ptr, stride, scalesPtr, scalesStride, flatPtr };
}

/** 16-bit weights of a group, their units, and f32 weights of the flat point if it stays f32. */
interface Weights16 {
  readonly u16: Int16Array;
  readonly units: Float32Array;
  readonly uFlat?: Float32Array | undefined;
}

/**
 * Multiplies for one group of output channels.
 *
 * @param weights  u16 and their units; `uFlat`, f32 [2][cin][8], is undefined to multiply all
 *   points in 16 bits
 * @returns the product at a point, and the numbers beside the points
 */
export function runMultiply16(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  v: Transformed,
  { u16, units, uFlat }: Weights16,
) {
  const { tiles, cin, upsample } = geometry;
  const points = pointsOf(geometry);
  const whole = wholeTiles(tiles);
  const stride = pointStride(whole * GROUP, 4);
  const ptr = writable(space, (points * stride) / 4);
  const jobPtr = space.put(
    jobOf([
      [fields.JOB_CIN, cin],
      [fields.JOB_V, v.ptr],
      [fields.JOB_V_STRIDE, v.stride],
      [fields.JOB_V_CHUNK, whole * V_CHANNELS * 2],
      [fields.JOB_SCALES, v.scalesPtr],
      [fields.JOB_SCALES_STRIDE, v.scalesStride],
      [fields.JOB_SCALES_CHUNK, whole * 4],
      [fields.JOB_M, ptr],
      [fields.JOB_M_STRIDE, stride],
      [fields.JOB_WEIGHTS, space.put(keepPoints(u16, GROUP * cin, geometry))],
      [fields.JOB_WEIGHT_SCALES, space.put(keepPoints(units, GROUP * chunksOf(cin), geometry))],
      [fields.JOB_V_FLAT, uFlat === undefined ? 0 : v.flatPtr],
      [fields.JOB_WEIGHTS_FLAT, uFlat === undefined ? 0 : space.put(uFlat)],
      [fields.JOB_SIDE, sideOf(geometry)],
      [fields.JOB_TILE, writable(space, 4 * GROUP)],
      [fields.JOB_UPSAMPLE, upsample],
    ]),
  );
  kernels.winogradMultiply16(jobPtr, 0, tiles);
  const m = space.f32(ptr, (points * stride) / 4);
  return {
    at: (p: number, j: number, o: number) => m[(p * stride) / 4 + j * GROUP + o],
    beside: (p: number) => m.slice((p * stride) / 4 + whole * GROUP, ((p + 1) * stride) / 4),
  };
}
