/*
 * The input's transform of winograd6x6.ts, rounded to 16 bits as winograd16.ts describes. Each
 * point of a tile is scaled by the largest magnitude at it: scaled by the bound of its row of Bᵀ,
 * a decode keeps 63 to 68 dB against f32 and not 69 to 72.
 */

import {
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_SCALES,
  JOB_SCALES_CHUNK,
  JOB_SCALES_STRIDE,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_FLAT,
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, LARGE_SIDE, V_TILE_BYTES, V16_TILE_BYTES } from '../src/backend/wasm/layout';
import { transformColumns8, transformRow8, transformUpsampledRow8 } from './winograd6x6';
import { LARGE_TILE } from '../src/backend/tile';
import { INPUT_MAX, largestIn, roundRun, unitOf } from './winograd16-input';

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles of 6×6.
 * @param job     reads JOB_CIN, a multiple of 16;
 *                JOB_INPUT_ROWS, JOB_COLUMNS, JOB_COLUMNS_STRIDE, JOB_UPSAMPLE as
 *                `winograd6TransformInput`;
 *                JOB_V, i16 [64][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *                it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are written;
 *                JOB_SCALES, f32 [64][chunks][tiles], a point every JOB_SCALES_STRIDE bytes, a
 *                chunk of it every JOB_SCALES_CHUNK: what a unit of v stands for, written;
 *                JOB_TILE, f32 [8][min(cin, 64)], scratch;
 *                JOB_V_FLAT, f32 [chunks][tiles][64], a chunk every 2 · JOB_V_CHUNK bytes: v at
 *                point (1, 1), not rounded, written; or 0 to do without
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ half a unit + 24·2⁻²⁴·|Bᵀ||d||B| against float64, within ±INPUT_MAX units; at
 * JOB_V_FLAT |Δ| ≤ 12·2⁻²⁴·|Bᵀ||d||B|.
 */
export function winograd6TransformInput16(job: usize, offset: usize, tiles: i32): void {
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const bytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  let columns = load<usize>(job, JOB_COLUMNS);
  let v = load<usize>(job, JOB_V);
  let scales = load<usize>(job, JOB_SCALES);
  const vFlat = load<usize>(job, JOB_V_FLAT);
  const step = <usize>(upsample ? 3 : LARGE_TILE) * V_TILE_BYTES;
  transformColumns8(job, offset, tiles);
  for (let r = 0; r < LARGE_SIDE; r++) {
    let column = columns;
    for (let j: usize = 0; j < <usize>tiles; j++, column += step) {
      if (upsample) transformUpsampledRow8(scratch, V_TILE_BYTES, column, bytes, 1);
      else transformRow8(scratch, V_TILE_BYTES, column, bytes, 1);
      if (r == 1 && vFlat != 0) {
        memory.copy(vFlat + j * V_TILE_BYTES, scratch + V_TILE_BYTES, bytes);
      }
      let run = scratch;
      let out = v + j * V16_TILE_BYTES;
      let scale = scales + j * F32_BYTES;
      for (let c = 0; c < LARGE_SIDE; c++) {
        const largest = largestIn(run, bytes);
        store<f32>(scale, largest / INPUT_MAX);
        roundRun(out, run, bytes, unitOf(largest));
        run += V_TILE_BYTES;
        out += vStride;
        scale += scalesStride;
      }
    }
    columns += columnsStride;
    v += LARGE_SIDE * vStride;
    scales += LARGE_SIDE * scalesStride;
  }
}
