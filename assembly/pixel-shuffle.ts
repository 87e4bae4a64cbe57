/*
 * Channels to pixels and back, one row at a time, one number at a time: a decoder's last layer at
 * 512×512 takes 1 ms.
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
 * Units: pointers are byte addresses, 4-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once. Accuracy: exact.
 * Source: PyTorch `nn.PixelShuffle`.
 */
export function pixelShuffle(job: usize, out: usize, row: usize, subrow: i32): void {
  const width = load<i32>(job, JOB_WIDTH);
  const channels = load<i32>(job, JOB_CHANNELS);
  const cout = load<i32>(job, JOB_COUT);
  const factor = load<i32>(job, JOB_FACTOR);
  const outPixel = load<usize>(job, JOB_OUT_CHANNELS) * F32_BYTES;
  memory.fill(out, 0, <usize>(factor * width + 2) * outPixel);
  out += outPixel;
  row += <usize>(channels + subrow * factor) * F32_BYTES;
  const apart = <usize>(factor * factor) * F32_BYTES;
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
    row += <usize>channels * F32_BYTES;
  }
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
