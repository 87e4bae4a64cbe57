/*
 * The transforms of Winograd F(6×6, 3×3): 64 points for an output tile of 6×6 pixels, 1.78 products
 * for each number of the output. winograd.ts says what the steps are.
 *
 *          ⎡ 1   0  −21/4    0    21/4    0   −1  0 ⎤        ⎡   1      0      0   ⎤
 *          ⎢ 0   1    1   −17/4  −17/4    1    1  0 ⎥        ⎢ −2/9   −2/9   −2/9  ⎥
 *          ⎢ 0  −1    1    17/4  −17/4   −1    1  0 ⎥        ⎢ −2/9    2/9   −2/9  ⎥
 *     Bᵀ = ⎢ 0  1/2  1/4   −5/2   −5/4    2    1  0 ⎥    G = ⎢ 1/90   1/45   2/45  ⎥
 *          ⎢ 0 −1/2  1/4    5/2   −5/4   −2    1  0 ⎥        ⎢ 1/90  −1/45   2/45  ⎥
 *          ⎢ 0   2    4    −5/2    −5   1/2    1  0 ⎥        ⎢ 32/45  16/45  8/45  ⎥
 *          ⎢ 0  −2    4     5/2    −5  −1/2    1  0 ⎥        ⎢ 32/45 −16/45  8/45  ⎥
 *          ⎣ 0  −1    0    21/4     0  −21/4   0  1 ⎦        ⎣   0      0      1   ⎦
 *
 *          ⎡ 1 1  1  1   1    1     1   0 ⎤
 *          ⎢ 0 1 −1  2  −2   1/2  −1/2  0 ⎥
 *     Aᵀ = ⎢ 0 1  1  4   4   1/4   1/4  0 ⎥
 *          ⎢ 0 1 −1  8  −8   1/8  −1/8  0 ⎥
 *          ⎢ 0 1  1 16  16  1/16  1/16  0 ⎥
 *          ⎣ 0 1 −1 32 −32  1/32 −1/32  1 ⎦
 *
 * Source: the Cook–Toom construction on the points 0, ±1, ±2, ±1/2 and ∞, as in Blahut, "Fast
 * Algorithms for Signal Processing", 2010, section 5.2. With ±3/2 or ±3/4 in place of ±2 or ±1/2,
 * the error of a decode is two to three times as large.
 */

import { LARGE_TILE } from '../src/backend/tile';
import {
  JOB_ADD,
  JOB_BIAS,
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_COUT,
  JOB_INPUT_ROWS,
  JOB_M,
  JOB_M_STRIDE,
  JOB_OUTPUT_ROWS,
  JOB_RELU,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, GROUP_BYTES, LARGE_SIDE, V_TILE_BYTES } from '../src/backend/wasm/layout';
import { rowAt } from './winograd';

/** Bytes of four numbers side by side. */
const VECTOR_BYTES: usize = 16;
/** Bytes of a row in the output transform's scratch: 8 vectors. */
const SCRATCH_ROW: usize = 128;

/**
 * v = Bᵀ d B for a block of tiles, as `winogradTransformInput` with shapes of its own:
 * @param job     reads JOB_CIN, a multiple of 16;
 *                JOB_INPUT_ROWS, u32 [8]: eight rows f32 [pixels][cin], the one above the tile
 *                first; with JOB_UPSAMPLE each of the inner rows twice, 0 1 1 2 2 3 3 4;
 *                JOB_COLUMNS, f32 [8][columns][min(cin, 64)], a row every JOB_COLUMNS_STRIDE bytes;
 *                JOB_V, f32 [64][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *                it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are written;
 *                JOB_UPSAMPLE, 1 if the convolution works on the nearest upsampling of the rows: a
 *                tile then begins every 3 pixels, and pixels 1, 2 and 3 stand for two columns each.
 *                Points of row or column 2 are 0 then, since d1 = d2, d3 = d4 and d5 = d6
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 12·2⁻²⁴·|Bᵀ||d||B| against float64.
 */
export function winograd6TransformInput(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  let chunk = load<usize>(job, JOB_V);
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumns8(job, offset + first, bytes, tiles);
    const apart: usize = upsample ? 0 : bytes;
    const step = <usize>(upsample ? 3 : LARGE_TILE) * bytes;
    for (let r: usize = 0; r < <usize>LARGE_SIDE; r++) {
      if (upsample && r == 2) continue;
      let column = columns + r * columnsStride;
      let point = chunk + r * LARGE_SIDE * vStride;
      for (let j = 0; j < tiles; j++) {
        transformRow8(point, vStride, column, bytes, apart);
        column += step;
        point += V_TILE_BYTES;
      }
    }
    chunk += vChunk;
  }
}

/**
 * Bᵀ d down the columns of a block of tiles, each column once, though neighbouring tiles share two:
 * `bytes` bytes of each pixel into JOB_COLUMNS.
 */
export function transformColumns8(job: usize, offset: usize, bytes: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_INPUT_ROWS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  let columns = load<usize>(job, JOB_COLUMNS);
  const count = <usize>(load<i32>(job, JOB_UPSAMPLE) ? 3 * tiles + 2 : LARGE_TILE * tiles + 2);
  const row0 = rowAt(rows, 0);
  const row1 = rowAt(rows, 1);
  const row2 = rowAt(rows, 2);
  const row3 = rowAt(rows, 3);
  const row4 = rowAt(rows, 4);
  const row5 = rowAt(rows, 5);
  const row6 = rowAt(rows, 6);
  const row7 = rowAt(rows, 7);
  // The columns are one run of numbers, or one for each pixel if the pixel has other chunks.
  const run = bytes == pixelBytes ? count * bytes : bytes;
  let at = offset;
  for (const end = columns + count * bytes; columns < end; columns += run, at += pixelBytes) {
    transform8(
      columns,
      columnsStride,
      row0 + at,
      row1 + at,
      row2 + at,
      row3 + at,
      row4 + at,
      row5 + at,
      row6 + at,
      row7 + at,
      run,
    );
  }
}

/**
 * Bᵀ along a tile's row, 8 columns of `bytes` bytes into 8 points, `stride` bytes apart.
 *
 * @param apart  bytes from column 1 to 2, 3 to 4 and 5 to 6: 0 on an upsampled map, where they are
 *   one
 */
export function transformRow8(
  out: usize,
  stride: usize,
  column0: usize,
  bytes: usize,
  apart: usize,
): void {
  const column1 = column0 + bytes;
  const column2 = column1 + apart;
  const column3 = column2 + bytes;
  const column4 = column3 + apart;
  const column5 = column4 + bytes;
  const column6 = column5 + apart;
  const column7 = column6 + bytes;
  transform8(
    out,
    stride,
    column0,
    column1,
    column2,
    column3,
    column4,
    column5,
    column6,
    column7,
    bytes,
  );
}

/**
 * Bᵀ d for runs of numbers, lane by lane, eight runs of `bytes` bytes into eight, `stride` bytes
 * apart.
 */
function transform8(
  out: usize,
  stride: usize,
  run0: usize,
  run1: usize,
  run2: usize,
  run3: usize,
  run4: usize,
  run5: usize,
  run6: usize,
  run7: usize,
  bytes: usize,
): void {
  const quarter = f32x4.splat(0.25);
  const half = f32x4.splat(0.5);
  const c125 = f32x4.splat(1.25);
  const c250 = f32x4.splat(2.5);
  const c425 = f32x4.splat(4.25);
  const c525 = f32x4.splat(5.25);
  for (let lane: usize = 0; lane < bytes; lane += 16) {
    let at = out + lane;
    const d2 = v128.load(run2 + lane);
    const d4 = v128.load(run4 + lane);
    const d6 = v128.load(run6 + lane);
    const outer = f32x4.mul(c525, f32x4.sub(d4, d2));
    v128.store(at, f32x4.add(f32x4.sub(v128.load(run0 + lane), d6), outer));
    at += stride;
    const d1 = v128.load(run1 + lane);
    const d3 = v128.load(run3 + lane);
    const d5 = v128.load(run5 + lane);
    const even1 = f32x4.sub(f32x4.add(d2, d6), f32x4.mul(c425, d4));
    const odd1 = f32x4.sub(f32x4.add(d1, d5), f32x4.mul(c425, d3));
    v128.store(at, f32x4.add(even1, odd1));
    at += stride;
    v128.store(at, f32x4.sub(even1, odd1));
    at += stride;
    const near = f32x4.mul(c125, d4);
    const middle = f32x4.mul(c250, d3);
    const even2 = f32x4.add(d6, f32x4.sub(f32x4.mul(quarter, d2), near));
    const odd2 = f32x4.add(f32x4.sub(f32x4.mul(half, d1), middle), f32x4.add(d5, d5));
    v128.store(at, f32x4.add(even2, odd2));
    at += stride;
    v128.store(at, f32x4.sub(even2, odd2));
    at += stride;
    const even3 = f32x4.add(d6, f32x4.mul(f32x4.splat(4), f32x4.sub(d2, near)));
    const odd3 = f32x4.add(f32x4.sub(f32x4.add(d1, d1), middle), f32x4.mul(half, d5));
    v128.store(at, f32x4.add(even3, odd3));
    at += stride;
    v128.store(at, f32x4.sub(even3, odd3));
    at += stride;
    const last = f32x4.mul(c525, f32x4.sub(d3, d5));
    v128.store(at, f32x4.add(f32x4.sub(v128.load(run7 + lane), d1), last));
  }
}

/**
 * Y = Aᵀ m A, plus bias, plus the skip connection, then ReLU, into six rows.
 * @param job     reads JOB_M, f32 [64][tiles][16], a point every JOB_M_STRIDE bytes;
 *                JOB_OUTPUT_ROWS, u32 [6 or 12]: six rows f32 [pixels][cout], which are written;
 *                with JOB_ADD behind them six rows of that shape, which are added;
 *                JOB_TILE, f32 [6][8][4], scratch;
 *                JOB_BIAS, f32 [cout]; JOB_COUT, of all groups together;
 *                JOB_ADD, 1 to add the six rows; JOB_RELU, 1 for max(y, 0)
 * @param group   the output channels, 16·group and the 15 after it
 * @param offset  bytes from a row's start to the first tile's first pixel
 * @param tiles   in the block; each writes 6 pixels of each row, those past the picture's edge too
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 16·2⁻²⁴·(|Aᵀ||m||A| + |bias| + |added|) against float64.
 */
export function winograd6TransformOutput(job: usize, group: i32, offset: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_OUTPUT_ROWS);
  const m = load<usize>(job, JOB_M);
  const mStride = load<usize>(job, JOB_M_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  const groupBytes = <usize>group * GROUP_BYTES;
  const bias = load<usize>(job, JOB_BIAS) + groupBytes;
  const add = load<i32>(job, JOB_ADD);
  const pixelBytes = load<usize>(job, JOB_COUT) * F32_BYTES;
  // The lower bound of the result, as in winograd4x4.ts.
  const floor = f32x4.splat(load<i32>(job, JOB_RELU) ? 0 : -Infinity);
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < <usize>GROUP_BYTES; lane += VECTOR_BYTES) {
      let point = m + <usize>j * GROUP_BYTES + lane;
      for (let column: usize = 0; column < SCRATCH_ROW; column += VECTOR_BYTES) {
        transformDown(scratch + column, point, mStride * LARGE_SIDE);
        point += mStride;
      }
      const lanesBias = v128.load(bias + lane);
      const at = offset + groupBytes + <usize>j * LARGE_TILE * pixelBytes + lane;
      for (let r: usize = 0; r < <usize>LARGE_TILE; r++) {
        const out = rowAt(rows, r) + at;
        const source = scratch + r * SCRATCH_ROW;
        if (add) {
          const other = rowAt(rows, r + LARGE_TILE) + at;
          finishRowAdding(out, pixelBytes, source, lanesBias, floor, other);
        } else finishRow(out, pixelBytes, source, lanesBias, floor);
      }
    }
  }
}

/**
 * Aᵀ m down one column of points: eight numbers in each of four lanes, `mStride` bytes apart, to
 * six.
 */
function transformDown(out: usize, m: usize, mStride: usize): void {
  const m0 = v128.load(m);
  m += mStride;
  const m1 = v128.load(m);
  m += mStride;
  const m2 = v128.load(m);
  m += mStride;
  const m3 = v128.load(m);
  m += mStride;
  const m4 = v128.load(m);
  m += mStride;
  const m5 = v128.load(m);
  m += mStride;
  const m6 = v128.load(m);
  m += mStride;
  const sum1 = f32x4.add(m1, m2);
  const sum2 = f32x4.add(m3, m4);
  const sum3 = f32x4.add(m5, m6);
  const difference1 = f32x4.sub(m1, m2);
  const difference2 = f32x4.sub(m3, m4);
  const difference3 = f32x4.sub(m5, m6);
  v128.store(out, f32x4.add(f32x4.add(m0, sum1), f32x4.add(sum2, sum3)));
  v128.store(out, weigh(difference1, difference2, difference3, 2, 0.5), SCRATCH_ROW);
  v128.store(out, weigh(sum1, sum2, sum3, 4, 0.25), 2 * SCRATCH_ROW);
  v128.store(out, weigh(difference1, difference2, difference3, 8, 0.125), 3 * SCRATCH_ROW);
  v128.store(out, weigh(sum1, sum2, sum3, 16, 0.0625), 4 * SCRATCH_ROW);
  const last = weigh(difference1, difference2, difference3, 32, 0.03125);
  v128.store(out, f32x4.add(last, v128.load(m)), 5 * SCRATCH_ROW);
}

/** A row of Aᵀ: a + p · b + q · c, of sums or of differences. */
function weigh(a: v128, b: v128, c: v128, p: f32, q: f32): v128 {
  return f32x4.add(
    a,
    f32x4.add(f32x4.mul(f32x4.splat(p), b), f32x4.mul(f32x4.splat(q), c)),
  );
}

/** Aᵀ along one row, with bias and lower bound: six pixels. */
function finishRow(out: usize, pixelBytes: usize, m: usize, bias: v128, floor: v128): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const m4 = v128.load(m, 64);
  const m5 = v128.load(m, 80);
  const m6 = v128.load(m, 96);
  const sum1 = f32x4.add(f32x4.add(m1, m2), bias);
  const sum2 = f32x4.add(m3, m4);
  const sum3 = f32x4.add(m5, m6);
  const difference1 = f32x4.add(f32x4.sub(m1, m2), bias);
  const difference2 = f32x4.sub(m3, m4);
  const difference3 = f32x4.sub(m5, m6);
  const first = f32x4.add(f32x4.add(v128.load(m), sum1), f32x4.add(sum2, sum3));
  v128.store(out, f32x4.pmax(first, floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(weigh(difference1, difference2, difference3, 2, 0.5), floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(weigh(sum1, sum2, sum3, 4, 0.25), floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(weigh(difference1, difference2, difference3, 8, 0.125), floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(weigh(sum1, sum2, sum3, 16, 0.0625), floor));
  out += pixelBytes;
  const last = weigh(difference1, difference2, difference3, 32, 0.03125);
  v128.store(out, f32x4.pmax(f32x4.add(last, v128.load(m, 112)), floor));
}

/** `finishRow` with the skip connection's six pixels, which are added before the lower bound. */
function finishRowAdding(
  out: usize,
  pixelBytes: usize,
  m: usize,
  bias: v128,
  floor: v128,
  other: usize,
): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const m4 = v128.load(m, 64);
  const m5 = v128.load(m, 80);
  const m6 = v128.load(m, 96);
  const sum1 = f32x4.add(f32x4.add(m1, m2), bias);
  const sum2 = f32x4.add(m3, m4);
  const sum3 = f32x4.add(m5, m6);
  const difference1 = f32x4.add(f32x4.sub(m1, m2), bias);
  const difference2 = f32x4.sub(m3, m4);
  const difference3 = f32x4.sub(m5, m6);
  const y0 = f32x4.add(f32x4.add(v128.load(m), sum1), f32x4.add(sum2, sum3));
  v128.store(out, f32x4.pmax(f32x4.add(y0, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y1 = weigh(difference1, difference2, difference3, 2, 0.5);
  v128.store(out, f32x4.pmax(f32x4.add(y1, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y2 = weigh(sum1, sum2, sum3, 4, 0.25);
  v128.store(out, f32x4.pmax(f32x4.add(y2, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y3 = weigh(difference1, difference2, difference3, 8, 0.125);
  v128.store(out, f32x4.pmax(f32x4.add(y3, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y4 = weigh(sum1, sum2, sum3, 16, 0.0625);
  v128.store(out, f32x4.pmax(f32x4.add(y4, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const last = weigh(difference1, difference2, difference3, 32, 0.03125);
  const y5 = f32x4.add(last, v128.load(m, 112));
  v128.store(out, f32x4.pmax(f32x4.add(y5, v128.load(other)), floor));
}
