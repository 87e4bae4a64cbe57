/*
 * The input's transform of winograd.ts, scaled and rounded to 16 bits: winograd16.ts says how, and why nothing overflows.
 */

import { V_TILE_BYTES as FLAT_TILE_BYTES, rowAt, transform6 } from './winograd';

const F32_BYTES: usize = 4;
/** Bytes from one tile's channels in v to the next, whatever their number: a constant for the reason in winograd.ts. */
export const V_TILE_BYTES: usize = 128;
/** The largest magnitude of a rounded input. */
export const INPUT_MAX: f32 = 16383;
/** 1.5 · 2²³: added to a small number, it leaves that number, rounded to nearest even, in the low bits. */
const ROUNDER: f32 = 12582912;

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles: `winogradTransformInput` with other output.
 * @param v        i16 [36][tiles][64], a point every `vStride` bytes, of 64 channels the first `cin`
 * @param scales   f32 [36][tiles], a point every `scalesStride` bytes: what a unit of v stands for
 * @param scratch  f32 [6][columns][cin], a row every `scratchStride` bytes
 * @param most     f32 [6][columns], a row every `mostStride` bytes
 * @param tile     f32 [6][cin]
 * @param vFlat    f32 [tiles][64]: v at point (1, 1), not rounded; or 0 to do without
 */
export function winogradTransformInput16(
  v: usize,
  vStride: usize,
  scales: usize,
  scalesStride: usize,
  rows: usize,
  offset: usize,
  scratch: usize,
  scratchStride: usize,
  most: usize,
  mostStride: usize,
  tile: usize,
  vFlat: usize,
  tiles: i32,
  cin: i32,
  upsample: i32,
): void {
  const pixelBytes = <usize>cin * F32_BYTES;
  transformColumnsMeasuring(
    scratch,
    scratchStride,
    most,
    mostStride,
    rows,
    offset,
    upsample ? 2 * tiles + 2 : 4 * tiles + 2,
    pixelBytes,
  );
  const apart: usize = upsample ? 0 : pixelBytes;
  const tileColumns: usize = upsample ? 2 : 4;
  for (let r: usize = 0; r < 6; r++) {
    if (upsample && r == 2) continue;
    let source = scratch + r * scratchStride;
    let magnitude = most + r * mostStride;
    let point = v + r * 6 * vStride;
    let scale = scales + r * 6 * scalesStride;
    for (let j = 0; j < tiles; j++) {
      if (r == 1 && vFlat != 0) {
        const flat = vFlat + <usize>j * FLAT_TILE_BYTES;
        roundMeasured(point, vStride, scale, scalesStride, source, pixelBytes, apart, tile, flat);
      } else {
        const largest = largestOf(magnitude, tileColumns + 2);
        for (let c: usize = 0; c < 6; c++) {
          store<f32>(scale + c * scalesStride, largest * (bound(c) / INPUT_MAX));
        }
        roundBounded(point, vStride, source, pixelBytes, apart, unitOf(largest));
      }
      source += tileColumns * pixelBytes;
      magnitude += tileColumns << 2;
      point += V_TILE_BYTES;
      scale += F32_BYTES;
    }
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

/** The largest magnitude in a run of numbers. */
export function largestIn(run: usize, bytes: usize): f32 {
  let most = f32x4.splat(0);
  for (const end = run + bytes; run < end; run += 16) {
    most = i32x4.max_s(f32x4.abs(v128.load(run)), most);
  }
  return f32x4.extract_lane(largestLane(most), 0);
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
  let most: i32 = 0;
  for (const end = magnitudes + (count << 2); magnitudes < end; magnitudes += F32_BYTES) {
    const next = load<i32>(magnitudes);
    most = select(next, most, next > most);
  }
  return reinterpret<f32>(most);
}

/** What scales numbers up to `most` to INPUT_MAX. Smaller ones count as 0: their reciprocal would be infinite. */
export function unitOf(most: f32): f32 {
  return most > 1e-30 ? INPUT_MAX / most : 0;
}

/** The sum of magnitudes in row c of Bᵀ. */
function bound(c: usize): f32 {
  return c == 3 || c == 4 ? 6 : 10;
}

/**
 * `transform6` down the columns, and the largest magnitude in each row of each column. Magnitudes are compared as
 * integers, which order them alike and let NaN win, where a comparison of numbers would forget it.
 */
function transformColumnsMeasuring(
  scratch: usize,
  scratchStride: usize,
  most: usize,
  mostStride: usize,
  rows: usize,
  offset: usize,
  columns: i32,
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
  for (let column = 0; column < columns; column++) {
    let most0 = zero;
    let most1 = zero;
    let most2 = zero;
    let most3 = zero;
    let most4 = zero;
    let most5 = zero;
    for (const end = at + pixelBytes; at < end; at += 16) {
      const d1 = v128.load(row1 + at);
      const d2 = v128.load(row2 + at);
      const d3 = v128.load(row3 + at);
      const d4 = v128.load(row4 + at);
      let out = scratch + at;
      const t0 = f32x4.add(
        f32x4.sub(f32x4.mul(four, v128.load(row0 + at)), f32x4.mul(five, d2)),
        d4,
      );
      v128.store(out, t0);
      most0 = i32x4.max_s(f32x4.abs(t0), most0);
      out += scratchStride;
      const even4 = f32x4.sub(d4, f32x4.mul(four, d2));
      const odd4 = f32x4.sub(d3, f32x4.mul(four, d1));
      const t1 = f32x4.add(even4, odd4);
      v128.store(out, t1);
      most1 = i32x4.max_s(f32x4.abs(t1), most1);
      out += scratchStride;
      const t2 = f32x4.sub(even4, odd4);
      v128.store(out, t2);
      most2 = i32x4.max_s(f32x4.abs(t2), most2);
      out += scratchStride;
      const even1 = f32x4.sub(d4, d2);
      const odd1 = f32x4.sub(d3, d1);
      const odd2 = f32x4.add(odd1, odd1);
      const t3 = f32x4.add(even1, odd2);
      v128.store(out, t3);
      most3 = i32x4.max_s(f32x4.abs(t3), most3);
      out += scratchStride;
      const t4 = f32x4.sub(even1, odd2);
      v128.store(out, t4);
      most4 = i32x4.max_s(f32x4.abs(t4), most4);
      out += scratchStride;
      const t5 = f32x4.add(
        f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3)),
        v128.load(row5 + at),
      );
      v128.store(out, t5);
      most5 = i32x4.max_s(f32x4.abs(t5), most5);
    }
    storeLargest(most, most0);
    storeLargest(most + mostStride, most1);
    storeLargest(most + 2 * mostStride, most2);
    storeLargest(most + 3 * mostStride, most3);
    storeLargest(most + 4 * mostStride, most4);
    storeLargest(most + 5 * mostStride, most5);
    most += F32_BYTES;
  }
}

function storeLargest(out: usize, values: v128): void {
  v128.store32_lane(out, largestLane(values), 0);
}

/** The largest lane, in every lane. */
function largestLane(values: v128): v128 {
  const pairs = i32x4.max_s(values, v128.shuffle<f32>(values, values, 2, 3, 0, 1));
  return i32x4.max_s(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

/**
 * A tile's row, transformed as in `transform6` and rounded: 16 bytes every `stride` bytes for 8 channels. The points are
 * scaled by what they can become at most. Columns are read again for each pair of points: with all of them at hand for
 * eight channels, numbers leave the registers.
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
