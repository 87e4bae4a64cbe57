import { expect } from 'vitest';
import { jobOf } from '../../src/backend/wasm/job.ts';
import * as fields from '../../src/backend/wasm/job-layout.ts';
import { instantiateKernels, type Kernels } from '../../src/backend/wasm/kernels.ts';
import { LARGE_COLUMN_TILES } from '../../src/backend/wasm/layout.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { WINOGRAD_KERNELS } from '../../src/backend/wasm/winograd.ts';
import { arena } from './arena.ts';
import {
  type Block,
  columnsOf,
  type Geometry,
  GROUP,
  keepPoints,
  pointStride,
  pointsOf,
  putBlock,
  sideOf,
  tileOf,
  V_CHANNELS,
  vCount,
  weightPointsOf,
  wholeTiles,
} from './winograd-block.ts';

/*
 * Calls of the f32 Winograd kernels with operands in an arena, for each stride and tile.
 */

/** What writable regions are filled with, to see what is not written. */
export const FILL = 777;
/** Half a unit in the last place of numbers from 1 to 2. */
export const ULP = 2 ** -24;

export interface Machine {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

export async function startMachine(): Promise<Machine> {
  const memory = new WebAssembly.Memory({ initial: 120 });
  return { memory, kernels: await instantiateKernels(await compileKernels(), memory) };
}

export type Space = ReturnType<typeof arena>;

export const writable = (space: Space, count: number) =>
  space.put(new Float32Array(count).fill(FILL), { writable: true });

/** The first number that is off by more than its bound, in words; undefined for none. */
export class Faults {
  first: string | undefined;
  /** The largest error, in bounds. */
  worst = 0;
  see(where: () => string, got: number, wanted: number, bound: number): void {
    const off = Math.abs(got - wanted);
    if (off <= bound) this.worst = Math.max(this.worst, off / (bound || 1));
    else this.first ??= `${where()}: got ${got}, expected ${wanted} ± ${bound}`;
  }
  /** @param name  of what was measured, which is printed on demand */
  expectNone(name?: string, unit = 1): void {
    if (process.env.MEASURE && name !== undefined) console.log(name, this.worst * unit);
    expect(this.first).toBe(undefined);
  }
}

/** Asserts that what was not to be written is as it was. */
export function expectUntouched(numbers: Float32Array | Int16Array, where: string): void {
  const at = numbers.findIndex((value) => value !== FILL);
  // A call of `expect` takes longer than the search.
  if (at >= 0) expect(`number ${at}: ${numbers[at]}`, where).toBe(undefined);
}

/**
 * Numbers in a row of the input transform's scratch. With tiles of 6×6, columns lie as far apart as
 * 64 channels, and those of 8 tiles are made at a time.
 */
export function scratchCount(geometry: Geometry): number {
  const { tiles, cin } = geometry;
  if (sideOf(geometry) !== 8) return columnsOf(geometry) * Math.min(cin, V_CHANNELS);
  return columnsOf({ ...geometry, tiles: Math.min(tiles, LARGE_COLUMN_TILES) }) * V_CHANNELS;
}

export function runTransformInput(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  block: Block,
) {
  const { tiles, cin, upsample } = geometry;
  const side = sideOf(geometry);
  const { tablePtr, offset } = putBlock(space, geometry, block);
  const stride = pointStride(vCount(geometry), 4);
  const columnBytes = scratchCount(geometry) * 4;
  const scratchStride = columnBytes + 48;
  const scratchPtr = writable(space, ((side - 1) * scratchStride + columnBytes) / 4);
  const ptr = writable(space, (side ** 2 * stride) / 4);
  const jobPtr = space.put(
    jobOf([
      [fields.JOB_CIN, cin],
      [fields.JOB_INPUT_ROWS, tablePtr],
      [fields.JOB_COLUMNS, scratchPtr],
      [fields.JOB_COLUMNS_STRIDE, scratchStride],
      [fields.JOB_V, ptr],
      [fields.JOB_V_STRIDE, stride],
      [fields.JOB_V_CHUNK, wholeTiles(tiles) * V_CHANNELS * 4],
      [fields.JOB_UPSAMPLE, upsample],
    ]),
  );
  const [transformInput] = WINOGRAD_KERNELS.f32[sideOf(geometry)];
  kernels[transformInput](jobPtr, offset, tiles);
  return { ptr, stride };
}

export function runTransformWeights(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  weights: Float32Array,
): number {
  const { cin, cout, stride } = geometry;
  const ptr = writable(space, weightPointsOf(geometry) * cin * cout);
  const weightsPtr = space.put(weights);
  if (sideOf(geometry) === 8) {
    kernels.winograd6TransformWeights(ptr, weightsPtr, writable(space, 128 + 64 * 8), cin, cout);
  } else {
    kernels.winogradTransformWeights(ptr, weightsPtr, writable(space, 72), cin, cout, stride);
  }
  return ptr;
}

export interface OutputCase {
  /** With stride 1 alone. */
  readonly add?: boolean;
  readonly relu?: boolean;
  readonly bias?: Float32Array;
  /** f32 [tiles · tile][cout] of each of a tile's rows. */
  readonly added?: readonly Float32Array[];
}

/**
 * Transforms group after group of output channels.
 *
 * @param products  what makes one group's products, and their place
 * @returns a tile's rows f32 [tiles · tile][cout]
 */
export function runTransformOutput(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  products: (group: number) => { ptr: number; stride: number },
  { add = false, relu = false, bias, added = [] }: OutputCase,
): Float32Array[] {
  const { tiles, cout } = geometry;
  const lead = 2 * cout; // pixels left of the block
  const tile = tileOf(geometry);
  const count = tiles * tile * cout;
  const rows = Array.from({ length: tile }, () => writable(space, lead + count));
  const others = added.map((row) =>
    space.put(Float32Array.from([...new Float32Array(lead).fill(NaN), ...row])),
  );
  const tablePtr = space.put(Uint32Array.from([...rows, ...others]));
  const scratchPtr = writable(space, tile * sideOf(geometry) * 4);
  const biasPtr = space.put(bias ?? new Float32Array(cout));
  const [, , transformOutput] = WINOGRAD_KERNELS.f32[sideOf(geometry)];
  for (let group = 0; group < cout / GROUP; group++) {
    const { ptr, stride } = products(group);
    const jobPtr = space.put(
      jobOf([
        [fields.JOB_COUT, cout],
        [fields.JOB_OUTPUT_ROWS, tablePtr],
        [fields.JOB_M, ptr],
        [fields.JOB_M_STRIDE, stride],
        [fields.JOB_TILE, scratchPtr],
        [fields.JOB_BIAS, biasPtr],
        [fields.JOB_ADD, add ? 1 : 0],
        [fields.JOB_RELU, relu ? 1 : 0],
      ]),
    );
    kernels[transformOutput](jobPtr, group, lead * 4, tiles);
  }
  return rows.map((ptr) => {
    const row = space.f32(ptr, lead + count);
    expectUntouched(row.slice(0, lead), 'pixels left of the block');
    return row.slice(lead);
  });
}

/** Transformed weights, and bytes from one of a group's points to the next. */
interface Weights {
  readonly uPtr: number;
  readonly uStride?: number;
  readonly group?: number;
}

/** Multiplies all points for group `group` of the output channels. */
export function runMultiply(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  v: { readonly ptr: number; readonly stride: number },
  { uPtr, uStride = geometry.cin * GROUP * 4, group = 0 }: Weights,
) {
  const { tiles, cin, upsample } = geometry;
  const stride = pointStride(wholeTiles(tiles) * GROUP, 4);
  const ptr = writable(space, (pointsOf(geometry) * stride) / 4);
  const jobPtr = space.put(
    jobOf([
      [fields.JOB_CIN, cin],
      [fields.JOB_V, v.ptr],
      [fields.JOB_V_STRIDE, v.stride],
      [fields.JOB_V_CHUNK, wholeTiles(tiles) * V_CHANNELS * 4],
      [fields.JOB_M, ptr],
      [fields.JOB_M_STRIDE, stride],
      [fields.JOB_WEIGHTS, uPtr],
      [fields.JOB_WEIGHTS_STRIDE, uStride],
      [fields.JOB_SIDE, sideOf(geometry)],
      [fields.JOB_TILE, writable(space, 4 * GROUP)],
      [fields.JOB_UPSAMPLE, upsample],
    ]),
  );
  kernels.winogradMultiply(jobPtr, group, tiles);
  return { ptr, stride };
}

/** All three steps. */
export function runConvolution(
  machine: Machine,
  geometry: Geometry,
  block: Block,
  weights: Float32Array,
  output: OutputCase = {},
): Float32Array[] {
  const { cin, cout } = geometry;
  const space = arena(machine.memory);
  const allPtr = runTransformWeights(machine, space, geometry, weights);
  const u = space.f32(allPtr, weightPointsOf(geometry) * cin * cout);
  const uPtr = space.put(keepPoints(u, GROUP * cin, geometry));
  const v = runTransformInput(machine, space, geometry, block);
  const multiply = (group: number) => runMultiply(machine, space, geometry, v, { uPtr, group });
  const rows = runTransformOutput(machine, space, geometry, multiply, output);
  space.check();
  return rows;
}
