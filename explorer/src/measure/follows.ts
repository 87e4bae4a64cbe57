import type { Picture, Tensor } from 'taesd-wasm';
import type { Planes } from './convolution.ts';
import { overWhite } from './psnr.ts';

/**
 * The correlations of one latent channel with the picture under it, from −1 to 1. Undefined where
 * one of the two is the same everywhere: then there is no correlation.
 */
export interface Follows {
  readonly channel: number;
  /** Whether the channel is the same number everywhere. */
  readonly isConstant: boolean;
  /** With luma Y, 0.299 red + 0.587 green + 0.114 blue. */
  readonly luma: number | undefined;
  /** With red − Y: warm colours are high, greens and blues low. */
  readonly red: number | undefined;
  /** With blue − Y: cold colours are high, yellows low. */
  readonly blue: number | undefined;
}

/** Deviations below this are rounding: the numbers count as equal. */
const LEAST_DEVIATION = 1e-6;

/**
 * Measures what each channel of latents [1, C, h, w] follows in their picture: the correlation over
 * all places of the latent, each beside the mean colour of the pixels that it stands for.
 *
 * @param cell  pixels that a place stands for, in width and height: the model's downscale
 * @throws RangeError if picture and latents do not fit
 */
export function follows({ shape, data }: Tensor, picture: Picture, cell: number): Follows[] {
  const [, channels, height, width] = shape;
  const means = blockMeans(picture, cell);
  if (means.height !== height || means.width !== width) {
    throw new RangeError(
      `"latents" expected ${means.width}×${means.height} places, got ${width}×${height}`,
    );
  }
  const area = height * width;
  const [luma, red, blue] = lumaAndChroma(means);
  return Array.from({ length: channels }, (_, channel) => {
    const numbers = data.subarray(channel * area, (channel + 1) * area);
    return {
      channel,
      isConstant: deviation(numbers) < LEAST_DEVIATION,
      luma: correlation(numbers, luma),
      red: correlation(numbers, red),
      blue: correlation(numbers, blue),
    };
  });
}

/**
 * Returns the mean red, green and blue of each square of a picture, from 0 to 1. Squares at the
 * right and lower edge have the pixels that are there.
 */
export function blockMeans(picture: Picture, cell: number): Planes {
  const { width, height, data } = overWhite(picture);
  const [across, down] = [Math.ceil(width / cell), Math.ceil(height / cell)];
  const area = across * down;
  const sums = new Float64Array(3 * area);
  for (let y = 0, from = 0; y < height; y++) {
    const row = Math.floor(y / cell) * across;
    for (let x = 0; x < width; x++, from += 4) {
      const at = row + Math.floor(x / cell);
      for (let c = 0; c < 3; c++) sums[c * area + at] += data[from + c];
    }
  }
  const means = new Float32Array(3 * area);
  for (let y = 0; y < down; y++) {
    const rows = Math.min((y + 1) * cell, height) - y * cell;
    for (let x = 0; x < across; x++) {
      const count = rows * (Math.min((x + 1) * cell, width) - x * cell);
      for (let c = 0; c < 3; c++) {
        const at = c * area + y * across + x;
        means[at] = sums[at] / count / 255;
      }
    }
  }
  return { channels: 3, height: down, width: across, data: means };
}

function lumaAndChroma({ height, width, data }: Planes): Float64Array[] {
  const area = height * width;
  const [luma, red, blue] = [0, 1, 2].map(() => new Float64Array(area));
  for (let at = 0; at < area; at++) {
    const [r, g, b] = [data[at], data[area + at], data[2 * area + at]];
    luma[at] = 0.299 * r + 0.587 * g + 0.114 * b;
    red[at] = r - luma[at];
    blue[at] = b - luma[at];
  }
  return [luma, red, blue];
}

type Numbers = Float32Array | Float64Array;

/**
 * Returns the correlation of two lists of numbers; undefined if one of them is the same number
 * everywhere or not finite.
 */
export function correlation(one: Numbers, other: Numbers): number | undefined {
  const [a, b] = [meanOf(one), meanOf(other)];
  let product = 0;
  for (let at = 0; at < one.length; at++) product += (one[at] - a) * (other[at] - b);
  const [first, second] = [deviation(one), deviation(other)];
  const isEven = first < LEAST_DEVIATION || second < LEAST_DEVIATION;
  const value = product / one.length / (first * second);
  // Rounding may go past 1.
  return isEven || !Number.isFinite(value) ? undefined : Math.min(Math.max(value, -1), 1);
}

function meanOf(numbers: Numbers): number {
  let sum = 0;
  for (const value of numbers) sum += value;
  return sum / numbers.length;
}

function deviation(numbers: Numbers): number {
  const mean = meanOf(numbers);
  let sum = 0;
  for (const value of numbers) sum += (value - mean) ** 2;
  return Math.sqrt(sum / numbers.length);
}
