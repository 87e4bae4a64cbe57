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
import { INPUT_MAX, largestIn, roundRun, unitOf, largestLane } from './winograd16-input';

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
      else measureRow(scratch, column, bytes);
      if (r == 1 && vFlat != 0) {
        memory.copy(vFlat + j * V_TILE_BYTES, scratch + V_TILE_BYTES, bytes);
      }
      let run = scratch;
      let out = v + j * V16_TILE_BYTES;
      let scale = scales + j * F32_BYTES;
      for (let c: usize = 0; c < 8; c++) {
        const largest = upsample? largestIn(run, bytes) : f32x4.extract_lane(largestLane(v128.load(scratch+2048+16*c)),0);
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

function measureRow(out: usize, columns: usize, bytes: usize): void {
  const max = out + 2048;
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  const c425 = f32x4.splat(4.25);
  const c525 = f32x4.splat(5.25);
  let max1 = f32x4.splat(0), max2 = max1, max3 = max1, max4 = max1;
  let at = columns;
  let to = out;
  for (const end = columns + bytes; at < end; at += 16, to += 16) {
    const d1 = v128.load(at, V_TILE_BYTES);
    const d2 = v128.load(at, 2 * V_TILE_BYTES);
    const d3 = v128.load(at, 3 * V_TILE_BYTES);
    const d4 = v128.load(at, 4 * V_TILE_BYTES);
    const d5 = v128.load(at, 5 * V_TILE_BYTES);
    const d6 = v128.load(at, 6 * V_TILE_BYTES);
    const even1 = f32x4.sub(f32x4.add(d2, d6), f32x4.mul(c425, d4));
    const odd1 = f32x4.sub(f32x4.add(d1, d5), f32x4.mul(c425, d3));
    const t1 = f32x4.add(even1, odd1);
    v128.store(to, t1, V_TILE_BYTES);
    max1 = i32x4.max_s(f32x4.abs(t1), max1);
    const t2 = f32x4.sub(even1, odd1);
    v128.store(to, t2, 2 * V_TILE_BYTES);
    max2 = i32x4.max_s(f32x4.abs(t2), max2);
    const even2 = f32x4.add(f32x4.mul(four, d6), f32x4.sub(d2, f32x4.mul(five, d4)));
    const odd2 = f32x4.mul(f32x4.splat(2), f32x4.add(f32x4.mul(four, d5), f32x4.sub(d1, f32x4.mul(five, d3))));
    const t3 = f32x4.add(even2, odd2);
    v128.store(to, t3, 3 * V_TILE_BYTES);
    max3 = i32x4.max_s(f32x4.abs(t3), max3);
    const t4 = f32x4.sub(even2, odd2);
    v128.store(to, t4, 4 * V_TILE_BYTES);
    max4 = i32x4.max_s(f32x4.abs(t4), max4);
  }
  v128.store(max, max1, 16);
  v128.store(max, max2, 32);
  v128.store(max, max3, 48);
  v128.store(max, max4, 64);
  max1 = f32x4.splat(0); max2 = max1; max3 = max1; max4 = max1;
  to = out;
  at = columns;
  for (const end = columns + bytes; at < end; at += 16, to += 16) {
    const d1 = v128.load(at, V_TILE_BYTES);
    const d2 = v128.load(at, 2 * V_TILE_BYTES);
    const d3 = v128.load(at, 3 * V_TILE_BYTES);
    const d4 = v128.load(at, 4 * V_TILE_BYTES);
    const d5 = v128.load(at, 5 * V_TILE_BYTES);
    const d6 = v128.load(at, 6 * V_TILE_BYTES);
    const even3 = f32x4.add(f32x4.mul(four, d2), f32x4.sub(d6, f32x4.mul(five, d4)));
    const odd3 = f32x4.mul(f32x4.splat(0.5), f32x4.add(f32x4.mul(four, d1), f32x4.sub(d5, f32x4.mul(five, d3))));
    const t3 = f32x4.add(even3, odd3);
    v128.store(to, t3, 5 * V_TILE_BYTES);
    max3 = i32x4.max_s(f32x4.abs(t3), max3);
    const t4 = f32x4.sub(even3, odd3);
    v128.store(to, t4, 6 * V_TILE_BYTES);
    max4 = i32x4.max_s(f32x4.abs(t4), max4);
    const t0 = f32x4.add(f32x4.sub(v128.load(at), d6), f32x4.mul(c525, f32x4.sub(d4, d2)));
    v128.store(to, t0);
    max1 = i32x4.max_s(f32x4.abs(t0), max1);
    const t7 = f32x4.add(f32x4.sub(v128.load(at, 7 * V_TILE_BYTES), d1), f32x4.mul(c525, f32x4.sub(d3, d5)));
    v128.store(to, t7, 7 * V_TILE_BYTES);
    max2 = i32x4.max_s(f32x4.abs(t7), max2);
  }
  v128.store(max, max1);
  v128.store(max, max2, 112);
  v128.store(max, max3, 80);
  v128.store(max, max4, 96);
}
