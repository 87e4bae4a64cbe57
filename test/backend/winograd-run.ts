import { expect } from 'vitest';
import { instantiateKernels, type Kernels } from '../../src/backend/wasm/kernels.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
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
  V_CHANNELS,
  WEIGHT_POINTS,
  wholeTiles,
} from './winograd-block.ts';

/*
 * Calls of the f32 Winograd kernels with operands in an arena, for either stride.
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
  const memory = new WebAssembly.Memory({ initial: 80 });
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
  expect(at < 0 ? undefined : `number ${at}: ${numbers[at]}`, where).toBe(undefined);
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
  const stride = pointStride(wholeTiles(tiles) * V_CHANNELS, 4);
  const columnBytes = columnsOf(geometry) * cin * 4;
  const scratchStride = columnBytes + 48;
  const scratchPtr = writable(space, ((side - 1) * scratchStride + columnBytes) / 4);
  const ptr = writable(space, (side ** 2 * stride) / 4);
  const operands = [ptr, stride, tablePtr, offset, scratchPtr, scratchStride, tiles, cin] as const;
  if (geometry.stride === 1) kernels.winogradTransformInput(...operands, upsample);
  else kernels.winogradStride2TransformInput(...operands);
  return { ptr, stride };
}

export function runTransformWeights(
  { kernels }: Machine,
  space: Space,
  { cin, cout, stride }: Geometry,
  weights: Float32Array,
): number {
  const ptr = writable(space, WEIGHT_POINTS * cin * cout);
  const weightsPtr = space.put(weights);
  kernels.winogradTransformWeights(ptr, weightsPtr, writable(space, 72), cin, cout, stride);
  return ptr;
}

export interface OutputCase {
  /** With stride 1 alone. */
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
export function runTransformOutput(
  { kernels }: Machine,
  space: Space,
  geometry: Geometry,
  products: (group: number) => { ptr: number; stride: number },
  { add = false, relu = false, bias, added = [] }: OutputCase,
): Float32Array[] {
  const { tiles, cout } = geometry;
  const lead = 2 * cout; // pixels left of the block
  const count = tiles * 4 * cout;
  const rows = Array.from({ length: 4 }, () => writable(space, lead + count));
  const others = added.map((row) =>
    space.put(Float32Array.from([...new Float32Array(lead).fill(NaN), ...row])),
  );
  const tablePtr = space.put(Uint32Array.from([...rows, ...others]));
  const scratchPtr = writable(space, 4 * sideOf(geometry) * 4);
  const biasPtr = space.put(bias ?? new Float32Array(cout));
  for (let group = 0; group < cout / GROUP; group++) {
    const { ptr, stride } = products(group);
    const offset = (lead + group * GROUP) * 4;
    const groupBiasPtr = biasPtr + group * GROUP * 4;
    const operands = [
      ...[tablePtr, offset, ptr, stride, scratchPtr],
      ...[groupBiasPtr, tiles, cout],
    ] as [number, number, number, number, number, number, number, number];
    const floor = relu ? 1 : 0;
    if (geometry.stride === 1) kernels.winogradTransformOutput(...operands, add ? 1 : 0, floor);
    else kernels.winogradStride2TransformOutput(...operands, floor);
  }
  return rows.map((ptr) => {
    const row = space.f32(ptr, lead + count);
    expectUntouched(row.slice(0, lead), 'pixels left of the block');
    return row.slice(lead);
  });
}

/** All three steps. */
export function runConvolution(
  machine: Machine,
  geometry: Geometry,
  block: Block,
  weights: Float32Array,
  output: OutputCase = {},
): Float32Array[] {
  const { tiles, cin, cout, upsample } = geometry;
  const side = sideOf(geometry);
  const space = arena(machine.memory);
  const allPtr = runTransformWeights(machine, space, geometry, weights);
  const u = keepPoints(space.f32(allPtr, WEIGHT_POINTS * cin * cout), GROUP * cin, upsample);
  const uPtr = space.put(u);
  const v = runTransformInput(machine, space, geometry, block);
  const stride = pointStride(wholeTiles(tiles) * GROUP, 4);
  const ptr = writable(space, (pointsOf(geometry) * stride) / 4);
  const multiply = (group: number) => {
    const partPtr = uPtr + group * (u.byteLength / (cout / GROUP));
    const { winogradMultiply } = machine.kernels;
    winogradMultiply(ptr, stride, v.ptr, v.stride, partPtr, tiles, cin, side, upsample);
    return { ptr, stride };
  };
  const rows = runTransformOutput(machine, space, geometry, multiply, output);
  space.check();
  return rows;
}
