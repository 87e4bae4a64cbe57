/*
 * The transforms of Winograd F(4×4, 3×3): 36 points for an output tile of 4×4 pixels, 2.25 products
 * for each number of the output. winograd.ts says what the steps are.
 *
 *          ⎡ 4  0 −5  0 1 0 ⎤        ⎡  1/4    0     0  ⎤
 *          ⎢ 0 −4 −4  1 1 0 ⎥        ⎢ −1/6  −1/6  −1/6 ⎥        ⎡ 1 1  1 1  1 0 ⎤
 *     Bᵀ = ⎢ 0  4 −4 −1 1 0 ⎥    G = ⎢ −1/6   1/6  −1/6 ⎥   Aᵀ = ⎢ 0 1 −1 2 −2 0 ⎥
 *          ⎢ 0 −2 −1  2 1 0 ⎥        ⎢ 1/24   1/12  1/6 ⎥        ⎢ 0 1  1 4  4 0 ⎥
 *          ⎢ 0  2 −1 −2 1 0 ⎥        ⎢ 1/24  −1/12  1/6 ⎥        ⎣ 0 1 −1 8 −8 1 ⎦
 *          ⎣ 0  4  0 −5 0 1 ⎦        ⎣   0     0     1  ⎦
 *
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.2,
 * https://arxiv.org/abs/1509.09308
 */

import { TILE } from '../src/backend/tile';
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
import { F32_BYTES, GROUP_BYTES, SIDE, V_TILE_BYTES } from '../src/backend/wasm/layout';
import { rowAt } from './winograd';

/** Bytes of four numbers side by side. */
const VECTOR_BYTES: usize = 16;
/** Bytes of a row in the output transform's scratch: 6 vectors. */
const SCRATCH_ROW: usize = 96;

/**
 * v = Bᵀ d B for a block of tiles.
 *
 * First down the columns, into JOB_COLUMNS (each column once, though neighbouring tiles share two),
 * then along the rows.
 * @param job     reads JOB_CIN, a multiple of 16;
 *                JOB_INPUT_ROWS, u32 [6]: six rows f32 [pixels][cin], the one above the tile first;
 *                with JOB_UPSAMPLE each of the inner rows twice, 0 1 1 2 2 3;
 *                JOB_COLUMNS, f32 [6][columns][min(cin, 64)], a row every JOB_COLUMNS_STRIDE bytes;
 *                JOB_V, f32 [36][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *                it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are written;
 *                JOB_UPSAMPLE, 1 if the convolution works on the nearest upsampling of the rows: a
 *                tile then begins every 2 pixels, and pixels 1 and 2 stand for two columns each.
 *                Points of row or column 2 are 0 then: `t2 = (d4 − 4·d2) − (d3 − 4·d1)` with
 *                d1 = d2 and d3 = d4
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 8·2⁻²⁴·|Bᵀ||d||B| against float64.
 */
export function winogradTransformInput(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  let chunk = load<usize>(job, JOB_V);
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumns6(job, offset + first, bytes, tiles);
    const step = <usize>(upsample ? 2 : 4) * bytes;
    for (let r: usize = 0; r < <usize>SIDE; r++) {
      if (upsample && r == 2) continue;
      let column = columns + r * columnsStride;
      let point = chunk + r * SIDE * vStride;
      for (let j = 0; j < tiles; j++) {
        transformRow6(point, vStride, column, bytes, upsample);
        column += step;
        point += V_TILE_BYTES;
      }
    }
    chunk += vChunk;
  }
}

/**
 * Bᵀ d down the columns of a block of tiles, each column once, though neighbouring tiles share two:
 * `bytes` bytes of each pixel, into JOB_COLUMNS.
 */
export function transformColumns6(job: usize, offset: usize, bytes: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_INPUT_ROWS);
  let columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const row0 = rowAt(rows, 0);
  const row1 = rowAt(rows, 1);
  const row2 = rowAt(rows, 2);
  const row3 = rowAt(rows, 3);
  const row4 = rowAt(rows, 4);
  const row5 = rowAt(rows, 5);
  const count = <usize>((load<i32>(job, JOB_UPSAMPLE) ? 2 : 4) * tiles + 2);
  // The columns are one run of numbers, or one for each pixel if the pixel has other chunks.
  const run = bytes == pixelBytes ? count * bytes : bytes;
  let at = offset;
  for (const end = columns + count * bytes; columns < end; columns += run, at += pixelBytes) {
    transform6(
      columns,
      columnsStride,
      row0 + at,
      row1 + at,
      row2 + at,
      row3 + at,
      row4 + at,
      row5 + at,
      run,
    );
  }
}

/** Bᵀ along a tile's row: its columns into 6 points, `stride` bytes apart. */
export function transformRow6(
  out: usize,
  stride: usize,
  column0: usize,
  bytes: usize,
  upsample: i32,
): void {
  // On an upsampled map, columns 1 and 2, 3 and 4 are one.
  const apart: usize = upsample ? 0 : bytes;
  const column1 = column0 + bytes;
  const column2 = column1 + apart;
  const column3 = column2 + bytes;
  const column4 = column3 + apart;
  const column5 = column4 + bytes;
  transform6(out, stride, column0, column1, column2, column3, column4, column5, bytes);
}

/**
 * Bᵀ d for runs of numbers, lane by lane, six runs of `bytes` bytes into six, `stride` bytes apart.
 *
 * One function with the loop inside: a call for each vector cost as much as the arithmetic.
 */
function transform6(
  out: usize,
  stride: usize,
  run0: usize,
  run1: usize,
  run2: usize,
  run3: usize,
  run4: usize,
  run5: usize,
  bytes: usize,
): void {
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  for (let lane: usize = 0; lane < bytes; lane += 16) {
    let at = out + lane;
    const d1 = v128.load(run1 + lane);
    const d2 = v128.load(run2 + lane);
    const d3 = v128.load(run3 + lane);
    const d4 = v128.load(run4 + lane);
    const four0 = f32x4.mul(four, v128.load(run0 + lane));
    v128.store(at, f32x4.add(f32x4.sub(four0, f32x4.mul(five, d2)), d4));
    at += stride;
    const even4 = f32x4.sub(d4, f32x4.mul(four, d2));
    const odd4 = f32x4.sub(d3, f32x4.mul(four, d1));
    v128.store(at, f32x4.add(even4, odd4));
    at += stride;
    v128.store(at, f32x4.sub(even4, odd4));
    at += stride;
    const even1 = f32x4.sub(d4, d2);
    const odd1 = f32x4.sub(d3, d1);
    const odd2 = f32x4.add(odd1, odd1);
    v128.store(at, f32x4.add(even1, odd2));
    at += stride;
    v128.store(at, f32x4.sub(even1, odd2));
    at += stride;
    const five3 = f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3));
    v128.store(at, f32x4.add(five3, v128.load(run5 + lane)));
  }
}

/**
 * Y = Aᵀ m A, plus bias, plus the skip connection, then ReLU, into four rows.
 * @param job     reads JOB_M, f32 [36][tiles][16], a point every JOB_M_STRIDE bytes;
 *                JOB_OUTPUT_ROWS, u32 [4 or 8]: four rows f32 [pixels][cout], which are written;
 *                with JOB_ADD behind them four rows of that shape, which are added;
 *                JOB_TILE, f32 [4][6][4], scratch;
 *                JOB_BIAS, f32 [cout]; JOB_COUT, of all groups together;
 *                JOB_ADD, 1 to add the four rows; JOB_RELU, 1 for max(y, 0)
 * @param group   the output channels, 16·group and the 15 after it
 * @param offset  bytes from a row's start to the first tile's first pixel
 * @param tiles   in the block; each writes 4 pixels of each row, those past the picture's edge too
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 12·2⁻²⁴·(|Aᵀ||m||A| + |bias| + |added|) against float64.
 */
export function winogradTransformOutput(job: usize, group: i32, offset: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_OUTPUT_ROWS);
  const m = load<usize>(job, JOB_M);
  const mStride = load<usize>(job, JOB_M_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  const groupBytes = <usize>group * GROUP_BYTES;
  const bias = load<usize>(job, JOB_BIAS) + groupBytes;
  const add = load<i32>(job, JOB_ADD);
  const pixelBytes = load<usize>(job, JOB_COUT) * F32_BYTES;
  // The lower bound of the result. `pmax` is one instruction where `max` is five, and keeps NaN as
  // well.
  const floor = f32x4.splat(load<i32>(job, JOB_RELU) ? 0 : -Infinity);
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < <usize>GROUP_BYTES; lane += VECTOR_BYTES) {
      let point = m + <usize>j * GROUP_BYTES + lane;
      for (let column: usize = 0; column < SCRATCH_ROW; column += VECTOR_BYTES) {
        transformDown(scratch + column, point, mStride * SIDE);
        point += mStride;
      }
      const lanesBias = v128.load(bias + lane);
      const at = offset + groupBytes + <usize>j * TILE * pixelBytes + lane;
      for (let r: usize = 0; r < <usize>TILE; r++) {
        const out = rowAt(rows, r) + at;
        const source = scratch + r * SCRATCH_ROW;
        if (add) {
          finishRowAdding(out, pixelBytes, source, lanesBias, floor, rowAt(rows, r + TILE) + at);
        } else finishRow(out, pixelBytes, source, lanesBias, floor);
      }
    }
  }
}

/**
 * Aᵀ m down one column of points: six numbers in each of four lanes, `mStride` bytes apart, to
 * four.
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
  const sum12 = f32x4.add(m1, m2);
  const difference12 = f32x4.sub(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(out, f32x4.add(f32x4.add(m0, sum12), sum34));
  v128.store(out, f32x4.add(difference12, f32x4.add(difference34, difference34)), SCRATCH_ROW);
  v128.store(out, f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34)), 2 * SCRATCH_ROW);
  const eight = f32x4.mul(f32x4.splat(8), difference34);
  v128.store(out, f32x4.add(f32x4.add(difference12, eight), m5), 3 * SCRATCH_ROW);
}

/** Aᵀ along one row, with bias and lower bound: four pixels. */
function finishRow(out: usize, pixelBytes: usize, m: usize, bias: v128, floor: v128): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const m4 = v128.load(m, 64);
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(out, f32x4.pmax(f32x4.add(f32x4.add(v128.load(m), sum12), sum34), floor));
  out += pixelBytes;
  const twice = f32x4.add(difference34, difference34);
  v128.store(out, f32x4.pmax(f32x4.add(difference12, twice), floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34)), floor));
  out += pixelBytes;
  const eight = f32x4.add(f32x4.mul(f32x4.splat(8), difference34), v128.load(m, 80));
  v128.store(out, f32x4.pmax(f32x4.add(difference12, eight), floor));
}

/** `finishRow` with the skip connection's four pixels, which are added before the lower bound. */
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
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  const y0 = f32x4.add(f32x4.add(v128.load(m), sum12), sum34);
  v128.store(out, f32x4.pmax(f32x4.add(y0, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y1 = f32x4.add(difference12, f32x4.add(difference34, difference34));
  v128.store(out, f32x4.pmax(f32x4.add(y1, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y2 = f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34));
  v128.store(out, f32x4.pmax(f32x4.add(y2, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const eight = f32x4.add(f32x4.mul(f32x4.splat(8), difference34), v128.load(m, 80));
  v128.store(out, f32x4.pmax(f32x4.add(f32x4.add(difference12, eight), v128.load(other)), floor));
}
