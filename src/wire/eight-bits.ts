import { allocateClamped } from '../allocate.ts';
import { expected } from '../errors.ts';
import { viewOf } from './header.ts';

/*
 * Latents as 8 bits between the least and the greatest number of their channel. With the fixed
 * range of `quantizeLatents`, ±3, the decoded picture is 1 to 14 dB further from that of f32, and
 * numbers outside the range are cut off. docs/wire.md has the table.
 */

/** The highest of the 256 levels. */
const TOP = 255;

/**
 * Writes numbers as bytes, `round((x − min) / ((max − min) / 255))` of each channel. Ties are
 * rounded to even. Each operation is rounded to f64, so numpy makes the same bytes.
 *
 * @param data    finite numbers [C, area]
 * @param ranges  takes min and max of each channel as f32
 * @param bytes   takes a byte for each number
 */
export function quantizeChannels(data: Float32Array, ranges: Uint8Array, bytes: Uint8Array): void {
  const view = viewOf(ranges);
  const channels = ranges.length / 8;
  const area = data.length / channels;
  // It rounds ties to even, as numpy does.
  const levels = allocateClamped('frame', area);
  for (let c = 0; c < channels; c++) {
    const channel = data.subarray(c * area, (c + 1) * area);
    let min = Infinity;
    let max = -Infinity;
    for (const value of channel) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    // −0 and 0 are equal, so their order would decide the bytes. The sum is 0 for both.
    view.setFloat32(8 * c, min + 0, true);
    view.setFloat32(8 * c + 4, max + 0, true);
    const distance = (max - min) / TOP;
    for (let i = 0; i < area; i++) {
      levels[i] = distance === 0 ? 0 : (channel[i] - min) / distance;
    }
    bytes.set(levels, c * area);
  }
}

/**
 * Reads what `quantizeChannels` wrote: `min + q · (max − min) / 255`, computed in f64 and rounded
 * once.
 *
 * @param data  takes a number for each byte
 * @throws TaesdError FORMAT (a range that is not finite, or whose min is above its max)
 */
export function dequantizeChannels(
  ranges: Uint8Array,
  bytes: Uint8Array,
  data: Float32Array,
): void {
  const view = viewOf(ranges);
  const channels = ranges.length / 8;
  const area = data.length / channels;
  for (let c = 0; c < channels; c++) {
    const min = view.getFloat32(8 * c, true);
    const max = view.getFloat32(8 * c + 4, true);
    // False for NaN too.
    if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max)) {
      throw expected('FORMAT', `range of channel ${c}`, 'min ≤ max, both finite', `${min}, ${max}`);
    }
    const distance = (max - min) / TOP;
    for (let i = c * area; i < (c + 1) * area; i++) data[i] = min + bytes[i] * distance;
  }
}
