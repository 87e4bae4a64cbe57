/*
 * The transforms of Winograd F(6×6, 3×3): 64 points for an output tile of 6×6 pixels, 1.78 products
 * for each number of the output. winograd.ts says what the steps are.
 *
 *          ⎡ 1   0  −21/4    0    21/4    0   −1  0 ⎤        ⎡   1      0      0   ⎤
 *          ⎢ 0   1    1   −17/4  −17/4    1    1  0 ⎥        ⎢ −2/9   −2/9   −2/9  ⎥
 *          ⎢ 0  −1    1    17/4  −17/4   −1    1  0 ⎥        ⎢ −2/9    2/9   −2/9  ⎥
 *     Bᵀ = ⎢ 0   2    1    −10    −5     8    4  0 ⎥    G = ⎢ 1/360  1/180  1/90  ⎥
 *          ⎢ 0  −2    1     10    −5    −8    4  0 ⎥        ⎢ 1/360 −1/180  1/90  ⎥
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
 * the error of a decode is two to three times as large. Rows 3 and 4 of Bᵀ are 4 times those of the
 * construction, those of G a quarter: rows 3 to 6 then share 5·d3 and 5·d4 and need fewer
 * operations, and powers of two round nothing.
 *
 * A convolution has at most 64 channels here, one chunk.
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
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import {
  F32_BYTES,
  GROUP_BYTES,
  LARGE_COLUMN_TILES,
  LARGE_SIDE,
  V_TILE_BYTES,
} from '../src/backend/wasm/layout';
import { rowAt } from './winograd';
import { transform8 } from './winograd6x6-points';

/** Bytes of four numbers side by side. */
const VECTOR_BYTES: usize = 16;
/** Bytes of a row in the output transform's scratch: 8 vectors. */
const SCRATCH_ROW: usize = 128;

/**
 * v = Bᵀ d B for a block of tiles, like `winogradTransformInput`, with other shapes.
 * @param job     reads JOB_CIN, a multiple of 16, at most 64;
 *                JOB_INPUT_ROWS, u32 [8]: eight rows f32 [pixels][cin], the one above the tile
 *                first; with JOB_UPSAMPLE each of the inner rows twice, 0 1 1 2 2 3 3 4;
 *                JOB_COLUMNS, f32 [8][columns][64], scratch for LARGE_COLUMN_TILES tiles' columns,
 *                a row every JOB_COLUMNS_STRIDE bytes. Columns lie a constant distance apart: of
 *                64 channels, those of cin are written;
 *                JOB_V, f32 [64][tiles][64], a point every JOB_V_STRIDE bytes; of a tile's 64
 *                channels, those of cin are written;
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
  const v = load<usize>(job, JOB_V);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const bytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const step = <usize>(upsample ? LARGE_TILE / 2 : LARGE_TILE) * bytes;
  for (let j = 0; j < tiles; j += LARGE_COLUMN_TILES) {
    const count = min(tiles - j, LARGE_COLUMN_TILES);
    transformColumns8(job, offset + <usize>j * step, count);
    let row = columns;
    let out = v + <usize>j * V_TILE_BYTES;
    for (let r = 0; r < LARGE_SIDE; r++) {
      if (!upsample) transformRow8(out, vStride, row, bytes, count);
      else if (r != 2) transformUpsampledRow8(out, vStride, row, bytes, count);
      row += columnsStride;
      out += <usize>LARGE_SIDE * vStride;
    }
  }
}

/**
 * Bᵀ d down the columns of at most LARGE_COLUMN_TILES tiles, into JOB_COLUMNS. Each column is made
 * once, though neighbouring tiles share two.
 * @param job     reads the fields of `winograd6TransformInput` but for JOB_V and JOB_V_STRIDE
 * @param offset  bytes from a row's start to the pixel left of the first of these tiles
 * @param tiles   the number of these tiles
 */
export function transformColumns8(job: usize, offset: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_INPUT_ROWS);
  const stride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const bytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const count = <usize>((load<i32>(job, JOB_UPSAMPLE) ? 3 : LARGE_TILE) * tiles + 2);
  let out = load<usize>(job, JOB_COLUMNS);
  let row0 = rowAt(rows, 0) + offset;
  let row1 = rowAt(rows, 1) + offset;
  let row2 = rowAt(rows, 2) + offset;
  let row3 = rowAt(rows, 3) + offset;
  let row4 = rowAt(rows, 4) + offset;
  let row5 = rowAt(rows, 5) + offset;
  let row6 = rowAt(rows, 6) + offset;
  let row7 = rowAt(rows, 7) + offset;
  // The columns are one run of numbers, or a run each if they lie further apart in the scratch.
  const run = bytes == V_TILE_BYTES ? count * bytes : bytes;
  for (const end = out + count * V_TILE_BYTES; out < end; out += <usize>V_TILE_BYTES - bytes) {
    for (const runEnd = out + run; out < runEnd; out += 16) {
      transform8(
        out,
        stride,
        v128.load(row0),
        v128.load(row1),
        v128.load(row2),
        v128.load(row3),
        v128.load(row4),
        v128.load(row5),
        v128.load(row6),
        v128.load(row7),
      );
      row0 += 16;
      row1 += 16;
      row2 += 16;
      row3 += 16;
      row4 += 16;
      row5 += 16;
      row6 += 16;
      row7 += 16;
    }
  }
}

/** Bᵀ along a row of a block of tiles: 8 columns of each tile into 8 points. */
function transformRow8(out: usize, stride: usize, columns: usize, bytes: usize, tiles: i32): void {
  for (let j = 0; j < tiles; j++) {
    for (const end = columns + bytes; columns < end; columns += 16, out += 16) {
      transform8(
        out,
        stride,
        v128.load(columns),
        v128.load(columns, V_TILE_BYTES),
        v128.load(columns, 2 * V_TILE_BYTES),
        v128.load(columns, 3 * V_TILE_BYTES),
        v128.load(columns, 4 * V_TILE_BYTES),
        v128.load(columns, 5 * V_TILE_BYTES),
        v128.load(columns, 6 * V_TILE_BYTES),
        v128.load(columns, 7 * V_TILE_BYTES),
      );
    }
    columns += <usize>(LARGE_TILE * V_TILE_BYTES) - bytes;
    out += <usize>V_TILE_BYTES - bytes;
  }
}

/** Like `transformRow8`, on an upsampled map, where 5 columns stand for the 8. */
function transformUpsampledRow8(
  out: usize,
  stride: usize,
  columns: usize,
  bytes: usize,
  tiles: i32,
): void {
  for (let j = 0; j < tiles; j++) {
    for (const end = columns + bytes; columns < end; columns += 16, out += 16) {
      const d1 = v128.load(columns, V_TILE_BYTES);
      const d3 = v128.load(columns, 2 * V_TILE_BYTES);
      const d5 = v128.load(columns, 3 * V_TILE_BYTES);
      const d7 = v128.load(columns, 4 * V_TILE_BYTES);
      transform8(out, stride, v128.load(columns), d1, d1, d3, d3, d5, d5, d7);
    }
    columns += <usize>(3 * V_TILE_BYTES) - bytes;
    out += <usize>V_TILE_BYTES - bytes;
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
 * six, SCRATCH_ROW bytes apart.
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
  return f32x4.add(a, f32x4.add(f32x4.mul(f32x4.splat(p), b), f32x4.mul(f32x4.splat(q), c)));
}

/** Aᵀ along one row, with bias and lower bound: six pixels, `pixelBytes` bytes apart. */
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

/** Like `finishRow`; adds the skip connection's six pixels at `other` before the lower bound. */
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
