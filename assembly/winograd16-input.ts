/*
 * The input's transform of winograd4x4.ts, scaled and rounded to 16 bits. winograd16.ts says how,
 * and why nothing overflows.
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
import { F32_BYTES, SIDE, V_TILE_BYTES, V16_TILE_BYTES } from '../src/backend/wasm/layout';
import { transformColumns6, transformRow6 } from './winograd4x4';

/** The largest magnitude of a rounded input. */
export const INPUT_MAX: f32 = 16383;
/** Numbers up to it count as 0: their reciprocal would be infinite. */
export const TINY: f32 = 1e-30;
/**
 * 1.5 · 2²³. Added to a small number, it leaves that number, rounded to nearest even, in the low
 * bits.
 */
const ROUNDER: f32 = 12582912;

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles.
 * @param job     reads JOB_CIN, a multiple of 16;
 *                JOB_INPUT_ROWS, JOB_COLUMNS, JOB_COLUMNS_STRIDE, JOB_UPSAMPLE as
 *                `winogradTransformInput`;
 *                JOB_V, i16 [36][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *                it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are written;
 *                JOB_SCALES, f32 [36][chunks][tiles], a point every JOB_SCALES_STRIDE bytes, a
 *                chunk of it every JOB_SCALES_CHUNK: what a unit of v stands for, written;
 *                JOB_TILE, f32 [6][min(cin, 64)], scratch;
 *                JOB_V_FLAT, f32 [chunks][tiles][64], a chunk every 2 · JOB_V_CHUNK bytes: v at
 *                point (1, 1), not rounded, written; or 0 to do without
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ half a unit + 16·2⁻²⁴·|Bᵀ||d||B| against float64, within ±INPUT_MAX units; at
 * JOB_V_FLAT |Δ| ≤ 8·2⁻²⁴·|Bᵀ||d||B|.
 */
export function winogradTransformInput16(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  let scales = load<usize>(job, JOB_SCALES);
  const scalesChunk = load<usize>(job, JOB_SCALES_CHUNK);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  let vFlat = load<usize>(job, JOB_V_FLAT);
  const hasFlat = vFlat != 0;
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumns6(job, offset + first, bytes, tiles);
    const step = <usize>(upsample ? 2 : 4) * bytes;
    for (let r: usize = 0; r < <usize>SIDE; r++) {
      if (upsample && r == 2) continue;
      let column = columns + r * columnsStride;
      for (let j: usize = 0; j < <usize>tiles; j++, column += step) {
        transformRow6(scratch, bytes, column, bytes, upsample);
        if (r == 1 && hasFlat) memory.copy(vFlat + j * V_TILE_BYTES, scratch + bytes, bytes);
        for (let c: usize = 0; c < <usize>SIDE; c++) {
          if (upsample && c == 2) continue;
          const point = r * SIDE + c;
          const scale = scales + point * scalesStride + j * F32_BYTES;
          roundPoint(v + point * vStride + j * V16_TILE_BYTES, scratch + c * bytes, bytes, scale);
        }
      }
    }
    v += vChunk;
    // In f32, a chunk takes twice the bytes.
    vFlat += 2 * vChunk;
    scales += scalesChunk;
  }
}

/** Rounds a point of a tile, scaled by the largest magnitude at it, and stores its scale. */
export function roundPoint(out: usize, run: usize, bytes: usize, scale: usize): void {
  const largest = largestIn(run, bytes);
  store<f32>(scale, largest / INPUT_MAX);
  roundRun(out, run, bytes, largest > TINY ? INPUT_MAX / largest : 0);
}

/**
 * The largest magnitude in a run of numbers. Magnitudes are compared as integers, which order them
 * alike and let NaN win. A comparison of numbers would forget NaN.
 */
function largestIn(run: usize, bytes: usize): f32 {
  let largest = f32x4.splat(0);
  for (const end = run + bytes; run < end; run += 16) {
    largest = i32x4.max_s(f32x4.abs(v128.load(run)), largest);
  }
  return f32x4.extract_lane(largestLane(largest), 0);
}

/** A run of numbers, scaled, rounded to nearest, held to the range of i16. */
export function roundRun(out: usize, run: usize, bytes: usize, unit: f32): void {
  const factor = f32x4.splat(unit);
  for (const end = run + bytes; run < end; run += 32, out += 16) {
    storeRounded8(out, v128.load(run), v128.load(run, 16), factor);
  }
}

/** The largest lane, in every lane. */
function largestLane(values: v128): v128 {
  const pairs = i32x4.max_s(values, v128.shuffle<f32>(values, values, 2, 3, 0, 1));
  return i32x4.max_s(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

/** Eight numbers, scaled, rounded to nearest, held to the range of i16. */
function storeRounded8(out: usize, a: v128, b: v128, factor: v128): void {
  const rounder = f32x4.splat(ROUNDER);
  v128.store(
    out,
    i16x8.narrow_i32x4_s(
      i32x4.sub(f32x4.add(f32x4.mul(a, factor), rounder), rounder),
      i32x4.sub(f32x4.add(f32x4.mul(b, factor), rounder), rounder),
    ),
  );
}
