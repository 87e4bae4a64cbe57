/*
 * Channels to pixels and back, one row at a time, one number at a time: a decoder's last layer at 512×512 takes 1 ms.
 */

const F32_BYTES: usize = 4;

/**
 * One of the `factor` output rows that an input row becomes.
 *   out[factor·x + j][c] = row[x][c·factor² + subrow·factor + j]
 * @param out          f32 row [1 + factor·width + 1][outChannels], zeros but for that; must not overlap `row`
 * @param row          f32 row [1 + width + 1][channels]
 * @param width        pixels of the input row
 * @param channels     of the input, as stored
 * @param outChannels  of the output, as stored
 * @param cout         true channels of the output; outChannels ≥ cout, channels ≥ cout·factor²
 * Units: pointers are byte addresses; sizes are elements.
 * Errors: none here. Accuracy: exact.
 * Source: PyTorch `nn.PixelShuffle`.
 */
export function pixelShuffle(
  out: usize,
  row: usize,
  width: i32,
  channels: i32,
  outChannels: i32,
  cout: i32,
  factor: i32,
  subrow: i32,
): void {
  const outPixel = <usize>outChannels * F32_BYTES;
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
 * One of the `factor` input rows that become an output row: the first clears it, the others leave alone what is there.
 *   out[x][c·factor² + subrow·factor + j] = row[factor·x + j][c]
 * @param out       f32 row [1 + width + 1][outChannels]
 * @param row       f32 row [1 + at least factor·width][channels], zeros right of the picture
 * @param width     pixels of the output row
 * @param channels  of the input, as stored
 * @param cin       true channels of the input
 * Otherwise as `pixelShuffle`.
 */
export function pixelUnshuffle(
  out: usize,
  row: usize,
  width: i32,
  channels: i32,
  outChannels: i32,
  cin: i32,
  factor: i32,
  subrow: i32,
): void {
  const pixel = <usize>channels * F32_BYTES;
  const outPixel = <usize>outChannels * F32_BYTES;
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
