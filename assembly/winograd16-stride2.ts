/*
 * The input's transform of winograd-stride2.ts, rounded to 16 bits in the way of winograd16.ts, each point of a tile scaled by
 * the largest magnitude at it.
 */

import { transformColumns, transformRow } from './winograd-stride2';
import { INPUT_MAX, largestIn, roundRun, unitOf, V_TILE_BYTES } from './winograd16-input';

const F32_BYTES: usize = 4;
const SIDE: usize = 9;

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles: `winogradTransformInput16` for stride 2.
 * @param v        i16 [81][tiles][64], a point every `vStride` bytes, of 64 channels the first `cin`
 * @param scales   f32 [81][tiles], a point every `scalesStride` bytes: what a unit of v stands for
 * @param rows     u32 [9], as in `winogradStride2TransformInput`
 * @param scratch  f32 [9][8 · tiles + 1][cin], a row every `scratchStride` bytes
 * @param tile     f32 [9][cin]
 */
export function winogradStride2TransformInput16(
  v: usize,
  vStride: usize,
  scales: usize,
  scalesStride: usize,
  rows: usize,
  offset: usize,
  scratch: usize,
  scratchStride: usize,
  tile: usize,
  tiles: i32,
  cin: i32,
): void {
  const pixelBytes = <usize>cin * F32_BYTES;
  transformColumns(scratch, scratchStride, rows, offset, <usize>(8 * tiles + 1) * pixelBytes);
  for (let r: usize = 0; r < SIDE; r++) {
    let source = scratch + r * scratchStride;
    for (let j: usize = 0; j < <usize>tiles; j++) {
      transformRow(tile, pixelBytes, source, pixelBytes);
      for (let c: usize = 0; c < SIDE; c++) {
        const point = r * SIDE + c;
        const run = tile + c * pixelBytes;
        const largest = largestIn(run, pixelBytes);
        store<f32>(scales + point * scalesStride + j * F32_BYTES, largest / INPUT_MAX);
        roundRun(v + point * vStride + j * V_TILE_BYTES, run, pixelBytes, unitOf(largest));
      }
      source += 8 * pixelBytes;
    }
  }
}
