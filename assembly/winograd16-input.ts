/*
 * The input's transform of winograd4x4.ts, scaled and rounded to 16 bits. winograd16.ts says how, and
 * why nothing overflows.
 */

import {
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_INPUT_ROWS,
  JOB_MAXIMA,
  JOB_MAXIMA_STRIDE,
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
import { rowAt } from './winograd';
import { transform6 } from './winograd4x4';

/** The largest magnitude of a rounded input. */
export const INPUT_MAX: f32 = 16383;
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
 *                JOB_MAXIMA, f32 [6][columns], scratch, a row every JOB_MAXIMA_STRIDE bytes;
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
  const maxima = load<usize>(job, JOB_MAXIMA);
  const maximaStride = load<usize>(job, JOB_MAXIMA_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  let scales = load<usize>(job, JOB_SCALES);
  const scalesChunk = load<usize>(job, JOB_SCALES_CHUNK);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const tile = load<usize>(job, JOB_TILE);
  let vFlat = load<usize>(job, JOB_V_FLAT);
  const hasFlat = vFlat != 0;
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const tileColumns: usize = upsample ? 2 : 4;
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumnsMeasuring(
      columns,
      columnsStride,
      maxima,
      maximaStride,
      load<usize>(job, JOB_INPUT_ROWS),
      offset + first,
      upsample ? 2 * tiles + 2 : 4 * tiles + 2,
      bytes,
      pixelBytes,
    );
    const apart: usize = upsample ? 0 : bytes;
    for (let r: usize = 0; r < <usize>SIDE; r++) {
      if (upsample && r == 2) continue;
      let source = columns + r * columnsStride;
      let magnitude = maxima + r * maximaStride;
      let point = v + r * SIDE * vStride;
      let scale = scales + r * SIDE * scalesStride;
      for (let j = 0; j < tiles; j++) {
        if (r == 1 && hasFlat) {
          const flat = vFlat + <usize>j * V_TILE_BYTES;
          roundMeasured(point, vStride, scale, scalesStride, source, bytes, apart, tile, flat);
        } else {
          const largest = largestOf(magnitude, tileColumns + 2);
          for (let c: usize = 0; c < <usize>SIDE; c++) {
            store<f32>(scale + c * scalesStride, largest * (bound(c) / INPUT_MAX));
          }
          roundBounded(point, vStride, source, bytes, apart, unitOf(largest));
        }
        source += tileColumns * bytes;
        magnitude += tileColumns * F32_BYTES;
        point += V16_TILE_BYTES;
        scale += F32_BYTES;
      }
    }
    v += vChunk;
    // In f32, a chunk takes twice the bytes.
    vFlat += 2 * vChunk;
    scales += scalesChunk;
  }
}

/** A tile's row, transformed and rounded, each point scaled by the largest magnitude at it. */
function roundMeasured(
  out: usize,
  stride: usize,
  scale: usize,
  scalesStride: usize,
  column0: usize,
  pixelBytes: usize,
  apart: usize,
  scratch: usize,
  flat: usize,
): void {
  const column1 = column0 + pixelBytes;
  const column2 = column1 + apart;
  const column3 = column2 + pixelBytes;
  const column4 = column3 + apart;
  const column5 = column4 + pixelBytes;
  transform6(scratch, pixelBytes, column0, column1, column2, column3, column4, column5, pixelBytes);
  const flatPoint = scratch + pixelBytes;
  for (let lane: usize = 0; lane < pixelBytes; lane += 16) {
    v128.store(flat + lane, v128.load(flatPoint + lane));
  }
  for (let c = 0; c < 6; c++) {
    const largest = largestIn(scratch, pixelBytes);
    store<f32>(scale, largest / INPUT_MAX);
    roundRun(out, scratch, pixelBytes, unitOf(largest));
    scratch += pixelBytes;
    out += stride;
    scale += scalesStride;
  }
}

/** The largest magnitude in a run of numbers, compared as in `transformColumnsMeasuring`. */
export function largestIn(run: usize, bytes: usize): f32 {
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

/** The largest of some magnitudes, compared as in `transformColumnsMeasuring`. */
export function largestOf(magnitudes: usize, count: usize): f32 {
  let largest: i32 = 0;
  for (const end = magnitudes + count * F32_BYTES; magnitudes < end; magnitudes += F32_BYTES) {
    const next = load<i32>(magnitudes);
    largest = select(next, largest, next > largest);
  }
  return reinterpret<f32>(largest);
}

/**
 * The factor that takes `largest` to INPUT_MAX. Tiny numbers count as 0: their reciprocal would be
 * infinite.
 */
export function unitOf(largest: f32): f32 {
  return largest > 1e-30 ? INPUT_MAX / largest : 0;
}

/** The sum of magnitudes in row c of Bᵀ. */
function bound(c: usize): f32 {
  return c == 3 || c == 4 ? 6 : 10;
}

/**
 * `transform6` down the columns, for the `bytes` bytes at `offset` of each pixel, and the largest
 * magnitude in each row of each column. Magnitudes
 * are compared as integers, which order them alike and let NaN win. A comparison of numbers would
 * forget NaN.
 */
function transformColumnsMeasuring(
  columns: usize,
  columnsStride: usize,
  maxima: usize,
  maximaStride: usize,
  rows: usize,
  offset: usize,
  count: i32,
  bytes: usize,
  pixelBytes: usize,
): void {
  const row0 = rowAt(rows, 0) + offset;
  const row1 = rowAt(rows, 1) + offset;
  const row2 = rowAt(rows, 2) + offset;
  const row3 = rowAt(rows, 3) + offset;
  const row4 = rowAt(rows, 4) + offset;
  const row5 = rowAt(rows, 5) + offset;
  const zero = f32x4.splat(0);
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  let at: usize = 0;
  for (let column = 0; column < count; column++) {
    let max0 = zero;
    let max1 = zero;
    let max2 = zero;
    let max3 = zero;
    let max4 = zero;
    let max5 = zero;
    for (const end = at + bytes; at < end; at += 16) {
      const d1 = v128.load(row1 + at);
      const d2 = v128.load(row2 + at);
      const d3 = v128.load(row3 + at);
      const d4 = v128.load(row4 + at);
      let out = columns + at;
      const t0 = f32x4.add(
        f32x4.sub(f32x4.mul(four, v128.load(row0 + at)), f32x4.mul(five, d2)),
        d4,
      );
      v128.store(out, t0);
      max0 = i32x4.max_s(f32x4.abs(t0), max0);
      out += columnsStride;
      const even4 = f32x4.sub(d4, f32x4.mul(four, d2));
      const odd4 = f32x4.sub(d3, f32x4.mul(four, d1));
      const t1 = f32x4.add(even4, odd4);
      v128.store(out, t1);
      max1 = i32x4.max_s(f32x4.abs(t1), max1);
      out += columnsStride;
      const t2 = f32x4.sub(even4, odd4);
      v128.store(out, t2);
      max2 = i32x4.max_s(f32x4.abs(t2), max2);
      out += columnsStride;
      const even1 = f32x4.sub(d4, d2);
      const odd1 = f32x4.sub(d3, d1);
      const odd2 = f32x4.add(odd1, odd1);
      const t3 = f32x4.add(even1, odd2);
      v128.store(out, t3);
      max3 = i32x4.max_s(f32x4.abs(t3), max3);
      out += columnsStride;
      const t4 = f32x4.sub(even1, odd2);
      v128.store(out, t4);
      max4 = i32x4.max_s(f32x4.abs(t4), max4);
      out += columnsStride;
      const t5 = f32x4.add(
        f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3)),
        v128.load(row5 + at),
      );
      v128.store(out, t5);
      max5 = i32x4.max_s(f32x4.abs(t5), max5);
    }
    storeLargest(maxima, max0);
    storeLargest(maxima + maximaStride, max1);
    storeLargest(maxima + 2 * maximaStride, max2);
    storeLargest(maxima + 3 * maximaStride, max3);
    storeLargest(maxima + 4 * maximaStride, max4);
    storeLargest(maxima + 5 * maximaStride, max5);
    maxima += F32_BYTES;
    // Past the pixel's other chunks, which are not written.
    at += pixelBytes - bytes;
    columns -= pixelBytes - bytes;
  }
}

export function storeLargest(out: usize, values: v128): void {
  v128.store32_lane(out, largestLane(values), 0);
}

/** The largest lane, in every lane. */
function largestLane(values: v128): v128 {
  const pairs = i32x4.max_s(values, v128.shuffle<f32>(values, values, 2, 3, 0, 1));
  return i32x4.max_s(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

/**
 * A tile's row, transformed as in `transform6` and rounded: 16 bytes every `stride` bytes for
 * 8 channels. The points are scaled by the maximum they can reach. Columns are read again for
 * each pair of points: with all of them at hand for eight channels, numbers leave the registers.
 */
function roundBounded(
  out: usize,
  stride: usize,
  column0: usize,
  pixelBytes: usize,
  apart: usize,
  unit: f32,
): void {
  const factor10 = f32x4.splat(unit / 10);
  const factor6 = f32x4.splat(unit / 6);
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  let column1 = column0 + pixelBytes;
  let column2 = column1 + apart;
  let column3 = column2 + pixelBytes;
  let column4 = column3 + apart;
  let column5 = column4 + pixelBytes;
  for (const end = column1; column0 < end; out += 16) {
    let at = out;
    storeRounded8(
      at,
      outer(v128.load(column0), v128.load(column2), v128.load(column4), four, five),
      outer(v128.load(column0, 16), v128.load(column2, 16), v128.load(column4, 16), four, five),
      factor10,
    );
    at += stride;
    const even4 = f32x4.sub(v128.load(column4), f32x4.mul(four, v128.load(column2)));
    const odd4 = f32x4.sub(v128.load(column3), f32x4.mul(four, v128.load(column1)));
    const even4b = f32x4.sub(v128.load(column4, 16), f32x4.mul(four, v128.load(column2, 16)));
    const odd4b = f32x4.sub(v128.load(column3, 16), f32x4.mul(four, v128.load(column1, 16)));
    storeRounded8(at, f32x4.add(even4, odd4), f32x4.add(even4b, odd4b), factor10);
    at += stride;
    storeRounded8(at, f32x4.sub(even4, odd4), f32x4.sub(even4b, odd4b), factor10);
    at += stride;
    const even1 = f32x4.sub(v128.load(column4), v128.load(column2));
    const odd1 = f32x4.sub(v128.load(column3), v128.load(column1));
    const odd2 = f32x4.add(odd1, odd1);
    const even1b = f32x4.sub(v128.load(column4, 16), v128.load(column2, 16));
    const odd1b = f32x4.sub(v128.load(column3, 16), v128.load(column1, 16));
    const odd2b = f32x4.add(odd1b, odd1b);
    storeRounded8(at, f32x4.add(even1, odd2), f32x4.add(even1b, odd2b), factor6);
    at += stride;
    storeRounded8(at, f32x4.sub(even1, odd2), f32x4.sub(even1b, odd2b), factor6);
    at += stride;
    storeRounded8(
      at,
      outer(v128.load(column1), v128.load(column3), v128.load(column5), four, five),
      outer(v128.load(column1, 16), v128.load(column3, 16), v128.load(column5, 16), four, five),
      factor10,
    );
    column0 += 32;
    column1 += 32;
    column2 += 32;
    column3 += 32;
    column4 += 32;
    column5 += 32;
  }
}

/** The first and the last row of Bᵀ. */
function outer(a: v128, b: v128, c: v128, four: v128, five: v128): v128 {
  return f32x4.add(f32x4.sub(f32x4.mul(four, a), f32x4.mul(five, b)), c);
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
