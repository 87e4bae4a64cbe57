/*
 * Convolutions, one output row a call, channels last.
 *
 * A row of a feature map is f32 [1 + width + 1][channels]. A zero pixel on either side stands for
 * the padding. The three columns of a 3×3 window at pixel x are therefore the 3·cin numbers that
 * begin at pixel x of the row, and a row of the window is one straight run of memory:
 *
 *     row      │ 0 │ p0 │ p1 │ p2 │ p3 │ … │ 0 │      each box: cin numbers
 *     window 1         └────────────┘
 *
 * A tile is 4 pixels × 8 output channels: 8 accumulators of 4 lanes. For each of the 3·cin numbers
 * of a window's row, 8 weights are loaded and multiplied by one number of each of the 4 pixels.
 * Measured in Node 20 on a Zen 5: 27 G multiply-adds/s, which is what four vector pipes can do.
 * With the loop unrolled twice it is 17, since V8 then spills; 12 accumulators lose as much.
 *
 * Weights are f32 [cout / 8][kernel rows][kernel columns · cin][8], read front to back. A tile's
 * are 18 KB for 64 channels, and stay in the first-level cache while the tile walks along the row.
 * If up to 4 output channels remain, the last tile takes the input's channels four at a time. It
 * has 2 pixels × 4 channels (a latent's), with weights
 * [kernel rows][columns · cin / 4][4 channels out][4 in], or 2 pixels × 3 channels (a picture's),
 * with weights [kernel rows][columns · cin / 4][3 out][4 in], which saves a quarter of a decoder's
 * last convolution. Rows of 1 to 3 channels more than a multiple of 4 have room for 4.
 */

import {
  JOB_BIAS,
  JOB_CIN,
  JOB_COUT,
  JOB_STRIDE,
  JOB_WEIGHTS,
  JOB_WIDTH,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, TILE_COUT, TILE_COUT_BYTES } from '../src/backend/wasm/layout';

/** Pixels in a tile. */
const TILE_WIDTH: i32 = 4;

/**
 * 3×3 convolution, stride 1, zero padding 1.
 *   out[x][o] = bias[o] + Σ(ky,kx,i) row_ky[x + kx − 1][i] · weight[o][i][ky][kx]
 * @param job    reads JOB_WIDTH, pixels of the output row;
 *               JOB_CIN, any number if cout is a multiple of 8, else a multiple of 4;
 *               JOB_COUT, a multiple of 4, or 3 more than one of 8;
 *               JOB_WEIGHTS, f32 [cout / 8][3][3 · cin][8], then, if cout is not a multiple of 8,
 *               [3][3 · cin / 4][3 or 4][4];
 *               JOB_BIAS, f32 [cout, filled up to a multiple of 4]
 * @param out    f32 row [1 + width + 1][cout, filled up to a multiple of 4], written with its zero
 *               pixels;
 *               must not overlap an input row
 * @param above  f32 row [1 + width + 1][cin], a row of zeros above the picture
 * @param here   f32 row like `above`
 * @param below  f32 row like `above`, a row of zeros below the picture
 * Units: pointers are byte addresses, 16-byte aligned except for rows of cin not a multiple of 4;
 * sizes are elements.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 2·9·cin·2⁻²⁴·(|bias| + Σ|row · weight|) against float64.
 * Source: taesd.py `conv`.
 */
export function conv3x3(job: usize, out: usize, above: usize, here: usize, below: usize): void {
  const cin = load<i32>(job, JOB_CIN);
  convolveRow(job, out, above, here, below, 3, 3 * cin, cin);
}

/**
 * 3×3 convolution, stride 2, zero padding 1.
 *   out[x][o] = bias[o] + Σ(ky,kx,i) row_ky[2·x + kx − 1][i] · weight[o][i][ky][kx]
 * The parameters, units, errors, accuracy and source are those of `conv3x3`, but input rows are
 * f32 [1 + inputWidth + 1][cin] with ⌈inputWidth / 2⌉ = width.
 */
export function conv3x3Stride2(
  job: usize,
  out: usize,
  above: usize,
  here: usize,
  below: usize,
): void {
  const cin = load<i32>(job, JOB_CIN);
  convolveRow(job, out, above, here, below, 3, 3 * cin, 2 * cin);
}

/**
 * 1×1 convolution: a matrix applied at each pixel.
 *   out[x][o] = bias[o] + Σ(i) row[stride · x][i] · weight[o][i]
 * @param job  reads what `conv3x3` reads, and JOB_STRIDE, 1 or 2; JOB_WEIGHTS is f32
 *             [cout / 8][cin][8], then, if cout is not a multiple of 8, [cin / 4][3 or 4][4]
 * @param out  f32 row as in `conv3x3`
 * @param row  f32 row [1 + inputWidth + 1][cin]
 * Units, errors and source are those of `conv3x3`.
 * Accuracy: |Δ| ≤ 2·cin·2⁻²⁴·(|bias| + Σ|row · weight|) against float64.
 */
export function conv1x1(job: usize, out: usize, row: usize): void {
  const cin = load<i32>(job, JOB_CIN);
  const firstPixel = row + <usize>cin * F32_BYTES;
  convolveRow(job, out, firstPixel, 0, 0, 1, cin, load<i32>(job, JOB_STRIDE) * cin);
}

/**
 * The one loop behind all three.
 * @param rows    rows of the kernel: 3, or 1 (then only `row0` is read)
 * @param window  numbers in one row of the window: kernel columns · cin
 * @param step    numbers from the window of one output pixel to the next: stride · cin
 */
function convolveRow(
  job: usize,
  out: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  rows: i32,
  window: i32,
  step: i32,
): void {
  let weights = load<usize>(job, JOB_WEIGHTS);
  let bias = load<usize>(job, JOB_BIAS);
  const width = load<i32>(job, JOB_WIDTH);
  const cout = load<i32>(job, JOB_COUT);
  const outPixel = <usize>((cout + 3) & ~3) * F32_BYTES;
  const stepBytes = <usize>step * F32_BYTES;
  const weightBytes = <usize>(rows * window) * TILE_COUT_BYTES;
  memory.fill(out, 0, outPixel);
  memory.fill(out + <usize>(width + 1) * outPixel, 0, outPixel);
  let o = 0;
  for (; o + TILE_COUT <= cout; o += TILE_COUT) {
    let target = out + outPixel + <usize>o * F32_BYTES;
    let offset: usize = 0;
    let x = 0;
    for (; x + TILE_WIDTH <= width; x += TILE_WIDTH) {
      tile4x8(
        target,
        row0 + offset,
        row1 + offset,
        row2 + offset,
        rows,
        weights,
        bias,
        window,
        stepBytes,
        outPixel,
      );
      target += <usize>TILE_WIDTH * outPixel;
      offset += <usize>TILE_WIDTH * stepBytes;
    }
    for (; x < width; x++) {
      tile1x8(target, row0 + offset, row1 + offset, row2 + offset, rows, weights, bias, window);
      target += outPixel;
      offset += stepBytes;
    }
    weights += weightBytes;
    bias += TILE_COUT_BYTES;
  }
  if (o == cout) return;
  const hasThree = cout - o == 3;
  let target = out + outPixel + <usize>o * F32_BYTES;
  let offset: usize = 0;
  for (let x = 0; x < width; x += 2) {
    const p0 = row0 + offset;
    const p1 = row1 + offset;
    const p2 = row2 + offset;
    const left = width - x;
    if (hasThree) {
      tile2x3(target, p0, p1, p2, rows, weights, bias, window, stepBytes, outPixel, left);
    } else {
      tile2x4(target, p0, p1, p2, rows, weights, bias, window, stepBytes, outPixel, left);
    }
    target += 2 * outPixel;
    offset += 2 * stepBytes;
  }
}

/** 4 pixels × 8 output channels; `acc2x4567` holds pixel 2, channels 4 … 7. */
function tile4x8(
  out: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  rows: i32,
  weights: usize,
  bias: usize,
  window: i32,
  step: usize,
  outPixel: usize,
): void {
  const bias0123 = v128.load(bias);
  const bias4567 = v128.load(bias, 16);
  let acc0x0123 = bias0123;
  let acc0x4567 = bias4567;
  let acc1x0123 = bias0123;
  let acc1x4567 = bias4567;
  let acc2x0123 = bias0123;
  let acc2x4567 = bias4567;
  let acc3x0123 = bias0123;
  let acc3x4567 = bias4567;
  for (let r = 0; r < rows; r++) {
    let pixel0 = select(row0, select(row1, row2, r == 1), r == 0);
    let pixel1 = pixel0 + step;
    let pixel2 = pixel1 + step;
    let pixel3 = pixel2 + step;
    for (let k = 0; k < window; k++) {
      const w0123 = v128.load(weights);
      const w4567 = v128.load(weights, 16);
      const p0 = v128.load32_splat(pixel0);
      acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(p0, w0123));
      acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(p0, w4567));
      const p1 = v128.load32_splat(pixel1);
      acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(p1, w0123));
      acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(p1, w4567));
      const p2 = v128.load32_splat(pixel2);
      acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(p2, w0123));
      acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(p2, w4567));
      const p3 = v128.load32_splat(pixel3);
      acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(p3, w0123));
      acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(p3, w4567));
      weights += TILE_COUT_BYTES;
      pixel0 += F32_BYTES;
      pixel1 += F32_BYTES;
      pixel2 += F32_BYTES;
      pixel3 += F32_BYTES;
    }
  }
  v128.store(out, acc0x0123);
  v128.store(out, acc0x4567, 16);
  out += outPixel;
  v128.store(out, acc1x0123);
  v128.store(out, acc1x4567, 16);
  out += outPixel;
  v128.store(out, acc2x0123);
  v128.store(out, acc2x4567, 16);
  out += outPixel;
  v128.store(out, acc3x0123);
  v128.store(out, acc3x4567, 16);
}

/**
 * 1 pixel × 8 output channels, for the last 1 to 3 pixels of a row. It adds in the order of
 * `tile4x8`.
 */
function tile1x8(
  out: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  rows: i32,
  weights: usize,
  bias: usize,
  window: i32,
): void {
  let acc0123 = v128.load(bias);
  let acc4567 = v128.load(bias, 16);
  for (let r = 0; r < rows; r++) {
    let pixel = select(row0, select(row1, row2, r == 1), r == 0);
    for (let k = 0; k < window; k++) {
      const p = v128.load32_splat(pixel);
      acc0123 = f32x4.add(acc0123, f32x4.mul(p, v128.load(weights)));
      acc4567 = f32x4.add(acc4567, f32x4.mul(p, v128.load(weights, 16)));
      weights += TILE_COUT_BYTES;
      pixel += F32_BYTES;
    }
  }
  v128.store(out, acc0123);
  v128.store(out, acc4567, 16);
}

/**
 * 2 pixels × 4 output channels, for few channels out. The four lanes of an accumulator are four
 * channels in, added up at the end, so that 6 loads feed 8 multiplications. `acc1x2` holds pixel 1,
 * output channel 2.
 * @param pixels  1 or more; if it is 1, the second pixel is the first once more and is not stored
 */
function tile2x4(
  out: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  rows: i32,
  weights: usize,
  bias: usize,
  window: i32,
  step: usize,
  outPixel: usize,
  pixels: i32,
): void {
  let acc0x0 = f32x4.splat(0);
  let acc0x1 = f32x4.splat(0);
  let acc0x2 = f32x4.splat(0);
  let acc0x3 = f32x4.splat(0);
  let acc1x0 = f32x4.splat(0);
  let acc1x1 = f32x4.splat(0);
  let acc1x2 = f32x4.splat(0);
  let acc1x3 = f32x4.splat(0);
  const second = pixels > 1 ? step : 0;
  for (let r = 0; r < rows; r++) {
    let pixel0 = select(row0, select(row1, row2, r == 1), r == 0);
    let pixel1 = pixel0 + second;
    for (const end = pixel0 + <usize>window * F32_BYTES; pixel0 < end; pixel0 += 16) {
      const p0 = v128.load(pixel0);
      const p1 = v128.load(pixel1);
      const w0 = v128.load(weights);
      acc0x0 = f32x4.add(acc0x0, f32x4.mul(p0, w0));
      acc1x0 = f32x4.add(acc1x0, f32x4.mul(p1, w0));
      const w1 = v128.load(weights, 16);
      acc0x1 = f32x4.add(acc0x1, f32x4.mul(p0, w1));
      acc1x1 = f32x4.add(acc1x1, f32x4.mul(p1, w1));
      const w2 = v128.load(weights, 32);
      acc0x2 = f32x4.add(acc0x2, f32x4.mul(p0, w2));
      acc1x2 = f32x4.add(acc1x2, f32x4.mul(p1, w2));
      const w3 = v128.load(weights, 48);
      acc0x3 = f32x4.add(acc0x3, f32x4.mul(p0, w3));
      acc1x3 = f32x4.add(acc1x3, f32x4.mul(p1, w3));
      pixel1 += 16;
      weights += 64;
    }
  }
  const bias0123 = v128.load(bias);
  v128.store(out, f32x4.add(bias0123, sumLanes(acc0x0, acc0x1, acc0x2, acc0x3)));
  if (pixels > 1) {
    v128.store(out + outPixel, f32x4.add(bias0123, sumLanes(acc1x0, acc1x1, acc1x2, acc1x3)));
  }
}

/** 2 pixels × 3 output channels, as in `tile2x4`. A fourth number is stored behind them, 0. */
function tile2x3(
  out: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  rows: i32,
  weights: usize,
  bias: usize,
  window: i32,
  step: usize,
  outPixel: usize,
  pixels: i32,
): void {
  const zero = f32x4.splat(0);
  let acc0x0 = zero;
  let acc0x1 = zero;
  let acc0x2 = zero;
  let acc1x0 = zero;
  let acc1x1 = zero;
  let acc1x2 = zero;
  const second = pixels > 1 ? step : 0;
  for (let r = 0; r < rows; r++) {
    let pixel0 = select(row0, select(row1, row2, r == 1), r == 0);
    let pixel1 = pixel0 + second;
    for (const end = pixel0 + <usize>window * F32_BYTES; pixel0 < end; pixel0 += 16) {
      const p0 = v128.load(pixel0);
      const p1 = v128.load(pixel1);
      const w0 = v128.load(weights);
      acc0x0 = f32x4.add(acc0x0, f32x4.mul(p0, w0));
      acc1x0 = f32x4.add(acc1x0, f32x4.mul(p1, w0));
      const w1 = v128.load(weights, 16);
      acc0x1 = f32x4.add(acc0x1, f32x4.mul(p0, w1));
      acc1x1 = f32x4.add(acc1x1, f32x4.mul(p1, w1));
      const w2 = v128.load(weights, 32);
      acc0x2 = f32x4.add(acc0x2, f32x4.mul(p0, w2));
      acc1x2 = f32x4.add(acc1x2, f32x4.mul(p1, w2));
      pixel1 += 16;
      weights += 48;
    }
  }
  const bias0123 = v128.load(bias);
  v128.store(out, f32x4.add(bias0123, sumLanes(acc0x0, acc0x1, acc0x2, zero)));
  if (pixels > 1) {
    v128.store(out + outPixel, f32x4.add(bias0123, sumLanes(acc1x0, acc1x1, acc1x2, zero)));
  }
}

/** The sums of the lanes of four vectors, as one vector. */
function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab02 = v128.shuffle<f32>(a, b, 0, 4, 2, 6);
  const ab13 = v128.shuffle<f32>(a, b, 1, 5, 3, 7);
  const cd02 = v128.shuffle<f32>(c, d, 0, 4, 2, 6);
  const cd13 = v128.shuffle<f32>(c, d, 1, 5, 3, 7);
  const ab = f32x4.add(ab02, ab13); // a0+a1, b0+b1, a2+a3, b2+b3
  const cd = f32x4.add(cd02, cd13);
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}
