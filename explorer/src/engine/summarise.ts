import type { Tensor } from 'taesd-wasm';
import type { ChannelRange, Summary, Thumbnails } from './protocol.ts';

/** Bars of a histogram. */
const BINS = 40;

/** The longer side of a thumbnail at most, in pixels. */
const THUMBNAIL = 56;

/** Range, mean, share of zeros and histogram of numbers. */
export function summarise(data: Float32Array): Summary {
  let [min, max, sum, zeros] = [Infinity, -Infinity, 0, 0];
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
    sum += value;
  }
  const histogram = new Uint32Array(BINS);
  const scale = max > min ? BINS / (max - min) : 0;
  for (const value of data) histogram[Math.min(Math.floor((value - min) * scale), BINS - 1)]++;
  return { min, max, mean: sum / data.length, zeros: zeros / data.length, histogram };
}

/** The channels' ranges. */
export function channelRanges({ shape, data }: Tensor): ChannelRange[] {
  const [, channels, height, width] = shape;
  const area = height * width;
  return Array.from({ length: channels }, (_, channel) => {
    let [min, max, zeros] = [Infinity, -Infinity, 0];
    for (let at = channel * area; at < (channel + 1) * area; at++) {
      const value = data[at];
      if (value < min) min = value;
      if (value > max) max = value;
      if (value === 0) zeros++;
    }
    return { min, max, zeros: zeros / area };
  });
}

/** Each channel made small: a thumbnail's number is the mean of those that it stands for. */
export function thumbnails({ shape, data }: Tensor): Thumbnails {
  const [, channels, height, width] = shape;
  const step = Math.max(1, Math.ceil(Math.max(height, width) / THUMBNAIL));
  const [small, across] = [Math.ceil(height / step), Math.ceil(width / step)];
  const out = new Float32Array(channels * small * across);
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y += step) {
      const bottom = Math.min(y + step, height);
      for (let x = 0; x < width; x += step) {
        const right = Math.min(x + step, width);
        let sum = 0;
        for (let row = y; row < bottom; row++) {
          const start = (channel * height + row) * width;
          for (let at = start + x; at < start + right; at++) sum += data[at];
        }
        out[to++] = sum / ((bottom - y) * (right - x));
      }
    }
  }
  return { width: across, height: small, data: out };
}
