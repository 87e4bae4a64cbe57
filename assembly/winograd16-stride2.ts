/*
 * The input's transform of winograd-stride2.ts, rounded to 16 bits as winograd16.ts describes. Each
 * point of a tile is scaled by the largest magnitude at it.
 */

import {
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_SCALES,
  JOB_SCALES_CHUNK,
  JOB_SCALES_STRIDE,
  JOB_TILE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, STRIDE2_SIDE, V_TILE_BYTES, V16_TILE_BYTES } from '../src/backend/wasm/layout';
import { transformColumns, transformRow } from './winograd-stride2';
import { roundPoint } from './winograd16-input';

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles, with stride 2.
 * @param job     reads JOB_CIN, a multiple of 16;
 *                JOB_INPUT_ROWS, JOB_COLUMNS, JOB_COLUMNS_STRIDE as
 *                `winogradStride2TransformInput`;
 *                JOB_V, i16 [81][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *                it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are written;
 *                JOB_SCALES, f32 [81][chunks][tiles], a point every JOB_SCALES_STRIDE bytes, a
 *                chunk of it every JOB_SCALES_CHUNK: what a unit of v stands for, written;
 *                JOB_TILE, f32 [9][min(cin, 64)], scratch
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block, one every 8 pixels
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ half a unit + 16·2⁻²⁴·|Bᵀ||d||B| against float64, within ±INPUT_MAX units.
 */
export function winogradStride2TransformInput16(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  let scales = load<usize>(job, JOB_SCALES);
  const scalesChunk = load<usize>(job, JOB_SCALES_CHUNK);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const tile = load<usize>(job, JOB_TILE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumns(job, offset + first, bytes, tiles);
    for (let r: usize = 0; r < <usize>STRIDE2_SIDE; r++) {
      let source = columns + r * columnsStride;
      for (let j: usize = 0; j < <usize>tiles; j++) {
        transformRow(tile, bytes, source, bytes);
        for (let c: usize = 0; c < <usize>STRIDE2_SIDE; c++) {
          const point = r * STRIDE2_SIDE + c;
          const scale = scales + point * scalesStride + j * F32_BYTES;
          roundPoint(v + point * vStride + j * V16_TILE_BYTES, tile + c * bytes, bytes, scale);
        }
        source += 8 * bytes;
      }
    }
    v += vChunk;
    scales += scalesChunk;
  }
}
