/*
 * 3×3 convolutions with stride 2 as Winograd, channels last: 81 multiplications for 16 outputs
 * instead of 144.
 *
 * Along one axis, outputs y0 … y3 come from inputs d0 … d8:
 * y[x] = w0·d[2x] + w1·d[2x+1] + w2·d[2x+2]. The even inputs d0 d2 d4 d6 d8 meet the two taps w0 w2
 * with stride 1, which is F(4, 2) on five points (0, 1, −1, 2, ∞). The odd inputs meet w1 alone:
 * their four "points" are the inputs themselves.
 *
 *          ⎡ 2  0 −1  0 −2  0  1 0 0 ⎤        ⎡  1/2   0    0  ⎤
 *          ⎢ 0  0 −2  0 −1  0  1 0 0 ⎥        ⎢ −1/2   0  −1/2 ⎥
 *          ⎢ 0  0  2  0 −3  0  1 0 0 ⎥        ⎢ −1/6   0   1/6 ⎥        ⎡ 1 1  1 1 0 1 0 0 0 ⎤
 *          ⎢ 0  0 −1  0  0  0  1 0 0 ⎥        ⎢  1/6   0   1/3 ⎥   Aᵀ = ⎢ 0 1 −1 2 0 0 1 0 0 ⎥
 *     Bᵀ = ⎢ 0  0  2  0 −1  0 −2 0 1 ⎥    G = ⎢   0    0    1  ⎥        ⎢ 0 1  1 4 0 0 0 1 0 ⎥
 *          ⎢ 0  1  0  0  0  0  0 0 0 ⎥        ⎢   0    1    0  ⎥        ⎣ 0 1 −1 8 1 0 0 0 1 ⎦
 *          ⎢ 0  0  0  1  0  0  0 0 0 ⎥        ⎢   0    1    0  ⎥
 *          ⎢ 0  0  0  0  0  1  0 0 0 ⎥        ⎢   0    1    0  ⎥
 *          ⎣ 0  0  0  0  0  0  0 1 0 ⎦        ⎣   0    1    0  ⎦
 *
 * Both axes together have 9 × 9 points. The last four rows of G are equal, so 6 × 6 transformed
 * weights are stored, as for stride 1. Buffers, blocks and the product between the transforms are
 * those of winograd.ts.
 *
 * Source: F(4, 2) by the Cook–Toom construction, as in Blahut, "Fast Algorithms for Signal
 * Processing", 2010, section 5.2; a strided convolution as a sum over the input's phases.
 * Accuracy: as winograd4x4.ts.
 */

import { TILE } from '../src/backend/tile';
import {
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
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_STRIDE,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, GROUP_BYTES, STRIDE2_SIDE, V_TILE_BYTES } from '../src/backend/wasm/layout';
import { rowAt } from './winograd';

/** Bytes of four numbers side by side. */
const VECTOR_BYTES: usize = 16;
/** Bytes of a row in the output transform's scratch: 9 vectors. */
const SCRATCH_ROW: usize = 144;

/**
 * v = Bᵀ d B for a block of tiles, with stride 2. It differs from `winogradTransformInput` in its
 * shapes:
 * @param job     reads JOB_CIN;
 *                JOB_INPUT_ROWS, u32 [9]: nine rows f32 [pixels][cin], the one above the tile
 *                first;
 *                JOB_COLUMNS, f32 [9][8 · tiles + 1][min(cin, 64)], a row every JOB_COLUMNS_STRIDE
 *                bytes;
 *                JOB_V, f32 [81][chunks][tiles][64], a point every JOB_V_STRIDE bytes
 * @param offset  bytes from a row's start to the pixel left of the first tile
 * @param tiles   in the block, one every 8 pixels
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 8·2⁻²⁴·|Bᵀ||d||B| against float64.
 */
export function winogradStride2TransformInput(job: usize, offset: usize, tiles: i32): void {
  const columns = load<usize>(job, JOB_COLUMNS);
  const columnsStride = load<usize>(job, JOB_COLUMNS_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  for (let first: usize = 0; first < pixelBytes; first += V_TILE_BYTES) {
    const bytes = min(pixelBytes - first, V_TILE_BYTES);
    transformColumns(job, offset + first, bytes, tiles);
    for (let r: usize = 0; r < <usize>STRIDE2_SIDE; r++) {
      let source = columns + r * columnsStride;
      let point = v + r * STRIDE2_SIDE * vStride;
      for (let j = 0; j < tiles; j++) {
        transformRow(point, vStride, source, bytes);
        source += 8 * bytes;
        point += V_TILE_BYTES;
      }
    }
    v += vChunk;
  }
}

/** Bᵀ along one row: nine pixels side by side into nine points, `stride` bytes apart. */
export function transformRow(out: usize, stride: usize, column0: usize, pixelBytes: usize): void {
  const column1 = column0 + pixelBytes;
  const column2 = column1 + pixelBytes;
  const column3 = column2 + pixelBytes;
  const column4 = column3 + pixelBytes;
  const column5 = column4 + pixelBytes;
  const column6 = column5 + pixelBytes;
  const column7 = column6 + pixelBytes;
  const column8 = column7 + pixelBytes;
  transformEven(out, stride, column0, column2, column4, column6, column8, pixelBytes);
  copyOdd(out + 5 * stride, stride, column1, column3, column5, column7, pixelBytes);
}

/**
 * Bᵀ down the columns of a block: nine rows into nine, the `bytes` bytes at `offset` in each pixel.
 */
export function transformColumns(job: usize, offset: usize, bytes: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_INPUT_ROWS);
  const stride = load<usize>(job, JOB_COLUMNS_STRIDE);
  const pixelBytes = load<usize>(job, JOB_CIN) * F32_BYTES;
  const all = <usize>(8 * tiles + 1) * bytes;
  // One run of numbers, or one for each pixel if it has other chunks.
  const run = bytes == pixelBytes ? all : bytes;
  let out = load<usize>(job, JOB_COLUMNS);
  for (const end = out + all; out < end; out += run, offset += pixelBytes) {
    transformEven(
      out,
      stride,
      rowAt(rows, 0) + offset,
      rowAt(rows, 2) + offset,
      rowAt(rows, 4) + offset,
      rowAt(rows, 6) + offset,
      rowAt(rows, 8) + offset,
      run,
    );
    copyOdd(
      out + 5 * stride,
      stride,
      rowAt(rows, 1) + offset,
      rowAt(rows, 3) + offset,
      rowAt(rows, 5) + offset,
      rowAt(rows, 7) + offset,
      run,
    );
  }
}

/**
 * The four points of the odd inputs. A loop copies them: `memory.copy` leaves the module, which
 * costs more than 256 bytes are worth.
 */
function copyOdd(
  out: usize,
  stride: usize,
  run1: usize,
  run3: usize,
  run5: usize,
  run7: usize,
  bytes: usize,
): void {
  for (let lane: usize = 0; lane < bytes; lane += 16) {
    let at = out + lane;
    v128.store(at, v128.load(run1 + lane));
    at += stride;
    v128.store(at, v128.load(run3 + lane));
    at += stride;
    v128.store(at, v128.load(run5 + lane));
    at += stride;
    v128.store(at, v128.load(run7 + lane));
  }
}

/**
 * The five points of the even inputs, lane by lane: five runs of `bytes` bytes into five, `stride`
 * bytes apart.
 */
function transformEven(
  out: usize,
  stride: usize,
  run0: usize,
  run2: usize,
  run4: usize,
  run6: usize,
  run8: usize,
  bytes: usize,
): void {
  for (let lane: usize = 0; lane < bytes; lane += 16) {
    let at = out + lane;
    const d2 = v128.load(run2 + lane);
    const d4 = v128.load(run4 + lane);
    const d6 = v128.load(run6 + lane);
    const difference62 = f32x4.sub(d6, d2);
    const difference64 = f32x4.sub(d6, d4);
    const difference04 = f32x4.sub(v128.load(run0 + lane), d4);
    v128.store(at, f32x4.add(f32x4.add(difference04, difference04), difference62));
    at += stride;
    v128.store(at, f32x4.sub(difference64, f32x4.add(d2, d2)));
    at += stride;
    const difference42 = f32x4.sub(d4, d2);
    v128.store(at, f32x4.sub(difference64, f32x4.add(difference42, difference42)));
    at += stride;
    v128.store(at, difference62);
    at += stride;
    const difference84 = f32x4.sub(v128.load(run8 + lane), d4);
    v128.store(at, f32x4.sub(difference84, f32x4.add(difference62, difference62)));
  }
}

/**
 * Y = Aᵀ m A, plus bias, then ReLU, into four rows, with stride 2. It differs from
 * `winogradTransformOutput` in its shapes, and adds no rows:
 * @param job     reads JOB_M, f32 [81][tiles][16], a point every JOB_M_STRIDE bytes;
 *                JOB_OUTPUT_ROWS, u32 [4]: four rows f32 [pixels][cout], which are written;
 *                JOB_TILE, f32 [4][9][4], scratch;
 *                JOB_BIAS, f32 [cout]; JOB_COUT, of all groups together; JOB_RELU, 1 for max(y, 0)
 * @param group   the output channels, 16·group and the 15 after it
 * @param offset  bytes from a row's start to the first tile's first pixel
 * @param tiles   in the block; each writes 4 pixels of each row, those past the picture's edge too
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 12·2⁻²⁴·(|Aᵀ||m||A| + |bias|) against float64.
 */
export function winogradStride2TransformOutput(
  job: usize,
  group: i32,
  offset: usize,
  tiles: i32,
): void {
  const rows = load<usize>(job, JOB_OUTPUT_ROWS);
  const m = load<usize>(job, JOB_M);
  const mStride = load<usize>(job, JOB_M_STRIDE);
  const scratch = load<usize>(job, JOB_TILE);
  const groupBytes = <usize>group * GROUP_BYTES;
  const bias = load<usize>(job, JOB_BIAS) + groupBytes;
  const pixelBytes = load<usize>(job, JOB_COUT) * F32_BYTES;
  const floor = f32x4.splat(load<i32>(job, JOB_RELU) ? 0 : -Infinity);
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < <usize>GROUP_BYTES; lane += VECTOR_BYTES) {
      let point = m + <usize>j * GROUP_BYTES + lane;
      for (let column: usize = 0; column < SCRATCH_ROW; column += VECTOR_BYTES) {
        transformDown(scratch + column, point, mStride * STRIDE2_SIDE);
        point += mStride;
      }
      const lanesBias = v128.load(bias + lane);
      const at = offset + groupBytes + <usize>j * TILE * pixelBytes + lane;
      for (let r: usize = 0; r < <usize>TILE; r++) {
        finishRow(rowAt(rows, r) + at, pixelBytes, scratch + r * SCRATCH_ROW, lanesBias, floor);
      }
    }
  }
}

/**
 * Aᵀ m down one column of points: nine numbers in each of four lanes, `stride` bytes apart, to
 * four.
 */
function transformDown(out: usize, m: usize, stride: usize): void {
  const m0 = v128.load(m);
  m += stride;
  const m1 = v128.load(m);
  m += stride;
  const m2 = v128.load(m);
  m += stride;
  const m3 = v128.load(m);
  m += stride;
  const m4 = v128.load(m);
  m += stride;
  const sum12 = f32x4.add(m1, m2);
  const difference12 = f32x4.sub(m1, m2);
  const twice3 = f32x4.add(m3, m3);
  const y0 = f32x4.add(f32x4.add(m0, sum12), m3);
  v128.store(out, f32x4.add(y0, v128.load(m)));
  m += stride;
  const y1 = f32x4.add(difference12, twice3);
  v128.store(out, f32x4.add(y1, v128.load(m)), SCRATCH_ROW);
  m += stride;
  const y2 = f32x4.add(sum12, f32x4.add(twice3, twice3));
  v128.store(out, f32x4.add(y2, v128.load(m)), 2 * SCRATCH_ROW);
  m += stride;
  const y3 = f32x4.add(f32x4.add(difference12, f32x4.mul(f32x4.splat(8), m3)), m4);
  v128.store(out, f32x4.add(y3, v128.load(m)), 3 * SCRATCH_ROW);
}

/** Aᵀ along one row, with bias and lower bound: four pixels. */
function finishRow(out: usize, pixelBytes: usize, m: usize, bias: v128, floor: v128): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const twice3 = f32x4.add(m3, m3);
  const y0 = f32x4.add(f32x4.add(v128.load(m), sum12), m3);
  v128.store(out, f32x4.pmax(f32x4.add(y0, v128.load(m, 80)), floor));
  out += pixelBytes;
  const y1 = f32x4.add(difference12, twice3);
  v128.store(out, f32x4.pmax(f32x4.add(y1, v128.load(m, 96)), floor));
  out += pixelBytes;
  const y2 = f32x4.add(sum12, f32x4.add(twice3, twice3));
  v128.store(out, f32x4.pmax(f32x4.add(y2, v128.load(m, 112)), floor));
  out += pixelBytes;
  const eight = f32x4.add(f32x4.mul(f32x4.splat(8), m3), v128.load(m, 64));
  const y3 = f32x4.add(difference12, eight);
  v128.store(out, f32x4.pmax(f32x4.add(y3, v128.load(m, 128)), floor));
}
