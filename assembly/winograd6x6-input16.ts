/*
 * The input's transform of winograd6x6.ts, scaled and rounded to 16 bits. winograd16.ts says how.
 */

import { LARGE_TILE } from '../src/backend/tile';
import {
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_SCALES,
  JOB_SCALES_STRIDE,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_FLAT,
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import {
  F32_BYTES,
  LARGE_COLUMN_TILES,
  LARGE_SIDE,
  V_TILE_BYTES,
  V16_TILE_BYTES,
} from '../src/backend/wasm/layout';
import { transformColumns8 } from './winograd6x6';
import { INPUT_MAX, roundRun, TINY } from './winograd16-input';

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles of 6×6.
 * @param job     reads JOB_CIN, a multiple of 16, at most 64;
 *                JOB_INPUT_ROWS, JOB_COLUMNS, JOB_COLUMNS_STRIDE, JOB_UPSAMPLE as
 *                `winograd6TransformInput`;
 *                JOB_V, i16 [64][tiles][64], a point every JOB_V_STRIDE bytes; of a tile's 64
 *                channels, those of cin are written; upsampled, points of row or column 2 too;
 *                JOB_SCALES, f32 [64][tiles], a point every JOB_SCALES_STRIDE bytes: what a unit of
 *                v stands for, written;
 *                JOB_TILE, f32 [8][64] and behind it f32 [8][4], scratch;
 *                JOB_V_FLAT, f32 [tiles][64]: v at point (1, 1), not rounded, written; or 0 to do
 *                without
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ half a unit + 24·2⁻²⁴·|Bᵀ||d||B| against float64, within ±INPUT_MAX units; at
 * JOB_V_FLAT |Δ| ≤ 12·2⁻²⁴·|Bᵀ||d||B|.
 */
export function winograd6TransformInput16(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const v = load<usize>(job, JOB_V);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const scales = load<usize>(job, JOB_SCALES);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  const maxima = scratch + LARGE_SIDE * V_TILE_BYTES;
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const bytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const vFlat = load<usize>(job, JOB_V_FLAT);
  const apart = upsample ? 0 : V_TILE_BYTES;
  const step: usize = upsample ? LARGE_TILE / 2 : LARGE_TILE;
  for (let first = 0; first < tiles; first += LARGE_COLUMN_TILES) {
    const count = min(tiles - first, LARGE_COLUMN_TILES);
    transformColumns8(job, offset + <usize>first * step * bytes, count);
    for (let r: usize = 0; r < <usize>LARGE_SIDE; r++) {
      if (upsample && r == 2) continue;
      let column = columns + r * columnsStride;
      for (let j = <usize>first; j < <usize>(first + count); j++) {
        const scale = scales + r * LARGE_SIDE * scalesStride + j * F32_BYTES;
        transformMeasuring(scratch, column, bytes, apart);
        if (r == 1 && vFlat != 0) {
          memory.copy(vFlat + j * V_TILE_BYTES, scratch + V_TILE_BYTES, bytes);
        }
        scaleFour(maxima, scale, scalesStride);
        scaleFour(maxima + 64, scale + 4 * scalesStride, scalesStride);
        for (let c: usize = 0; c < <usize>LARGE_SIDE; c++) {
          if (upsample && c == 2) continue;
          const out = v + (r * LARGE_SIDE + c) * vStride + j * V16_TILE_BYTES;
          const unit = load<f32>(maxima + (c & 4) * 16 + (c & 3) * F32_BYTES);
          roundRun(out, scratch + c * V_TILE_BYTES, bytes, unit);
        }
        column += step * V_TILE_BYTES;
      }
    }
  }
}

/**
 * Bᵀ along one row of a tile, and the largest magnitude at each point in each of four lanes,
 * compared as in `largestIn`. It reads the columns twice: with all eight maxima at hand, numbers
 * leave the registers.
 *
 * @param out      f32 [8][64], and behind it the maxima, f32 [8][4]
 * @param column0  f32 [columns][64], the tile's first column
 * @param bytes    those of the channels that are read and written
 * @param apart    bytes from column 1 to 2, 3 to 4 and 5 to 6: 0 on an upsampled map, where each
 *   pair is one column
 */
function transformMeasuring(out: usize, column0: usize, bytes: usize, apart: usize): void {
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  const c425 = f32x4.splat(4.25);
  const c525 = f32x4.splat(5.25);
  const column1 = column0 + V_TILE_BYTES;
  const column2 = column1 + apart;
  const column3 = column2 + V_TILE_BYTES;
  const column4 = column3 + apart;
  const column5 = column4 + V_TILE_BYTES;
  const column6 = column5 + apart;
  const column7 = column6 + V_TILE_BYTES;
  const zero = f32x4.splat(0);
  let maxA = zero;
  let maxB = zero;
  let maxC = zero;
  let maxD = zero;
  for (let at: usize = 0; at < bytes; at += 16) {
    const d2 = v128.load(column2 + at);
    const d4 = v128.load(column4 + at);
    const d6 = v128.load(column6 + at);
    const d1 = v128.load(column1 + at);
    const d3 = v128.load(column3 + at);
    const d5 = v128.load(column5 + at);
    const even1 = f32x4.sub(f32x4.add(d2, d6), f32x4.mul(c425, d4));
    const odd1 = f32x4.sub(f32x4.add(d1, d5), f32x4.mul(c425, d3));
    const t1 = f32x4.add(even1, odd1);
    v128.store(out + at, t1, V_TILE_BYTES);
    maxA = i32x4.max_s(f32x4.abs(t1), maxA);
    const t2 = f32x4.sub(even1, odd1);
    v128.store(out + at, t2, 2 * V_TILE_BYTES);
    maxB = i32x4.max_s(f32x4.abs(t2), maxB);
    const even2 = f32x4.add(f32x4.mul(four, d6), f32x4.sub(d2, f32x4.mul(five, d4)));
    const half2 = f32x4.add(f32x4.mul(four, d5), f32x4.sub(d1, f32x4.mul(five, d3)));
    const odd2 = f32x4.mul(f32x4.splat(2), half2);
    const t3 = f32x4.add(even2, odd2);
    v128.store(out + at, t3, 3 * V_TILE_BYTES);
    maxC = i32x4.max_s(f32x4.abs(t3), maxC);
    const t4 = f32x4.sub(even2, odd2);
    v128.store(out + at, t4, 4 * V_TILE_BYTES);
    maxD = i32x4.max_s(f32x4.abs(t4), maxD);
  }
  const maxima = out + LARGE_SIDE * V_TILE_BYTES;
  v128.store(maxima, maxA, 16);
  v128.store(maxima, maxB, 32);
  v128.store(maxima, maxC, 48);
  v128.store(maxima, maxD, 64);
  maxA = zero;
  maxB = zero;
  maxC = zero;
  maxD = zero;
  for (let at: usize = 0; at < bytes; at += 16) {
    const d2 = v128.load(column2 + at);
    const d4 = v128.load(column4 + at);
    const d6 = v128.load(column6 + at);
    const t0 = outer(v128.load(column0 + at), d6, d4, d2, c525);
    v128.store(out + at, t0);
    maxA = i32x4.max_s(f32x4.abs(t0), maxA);
    const d1 = v128.load(column1 + at);
    const d3 = v128.load(column3 + at);
    const d5 = v128.load(column5 + at);
    const even3 = f32x4.add(f32x4.mul(four, d2), f32x4.sub(d6, f32x4.mul(five, d4)));
    const twice3 = f32x4.add(f32x4.mul(four, d1), f32x4.sub(d5, f32x4.mul(five, d3)));
    const odd3 = f32x4.mul(f32x4.splat(0.5), twice3);
    const t5 = f32x4.add(even3, odd3);
    v128.store(out + at, t5, 5 * V_TILE_BYTES);
    maxB = i32x4.max_s(f32x4.abs(t5), maxB);
    const t6 = f32x4.sub(even3, odd3);
    v128.store(out + at, t6, 6 * V_TILE_BYTES);
    maxC = i32x4.max_s(f32x4.abs(t6), maxC);
    const t7 = outer(v128.load(column7 + at), d1, d3, d5, c525);
    v128.store(out + at, t7, 7 * V_TILE_BYTES);
    maxD = i32x4.max_s(f32x4.abs(t7), maxD);
  }
  v128.store(maxima, maxA);
  v128.store(maxima, maxB, 80);
  v128.store(maxima, maxC, 96);
  v128.store(maxima, maxD, 112);
}

/**
 * Writes the scales and the units of four points.
 *
 * @param maxima  f32 [4][4], the maxima of each point in four lanes. The units, f32 [4], take the
 *   place of the first point's: INPUT_MAX divided by the largest number, or 0 if that is tiny
 * @param scales  f32, a point every `stride` bytes
 */
function scaleFour(maxima: usize, scales: usize, stride: usize): void {
  const a = v128.load(maxima);
  const b = v128.load(maxima, 16);
  const c = v128.load(maxima, 32);
  const d = v128.load(maxima, 48);
  const ab = i32x4.max_s(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.max_s(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  const largest = i32x4.max_s(
    v128.shuffle<f32>(ab, cd, 0, 1, 4, 5),
    v128.shuffle<f32>(ab, cd, 2, 3, 6, 7),
  );
  const full = f32x4.splat(INPUT_MAX);
  const scale = f32x4.div(largest, full);
  v128.store32_lane(scales, scale, 0);
  scales += stride;
  v128.store32_lane(scales, scale, 1);
  scales += stride;
  v128.store32_lane(scales, scale, 2);
  scales += stride;
  v128.store32_lane(scales, scale, 3);
  const isScaled = f32x4.gt(largest, f32x4.splat(TINY));
  v128.store(maxima, v128.and(f32x4.div(full, largest), isScaled));
}

/** The first and the last row of Bᵀ: a − b + 21/4 · (c − d). */
function outer(a: v128, b: v128, c: v128, d: v128, c525: v128): v128 {
  return f32x4.add(f32x4.sub(a, b), f32x4.mul(c525, f32x4.sub(c, d)));
}
