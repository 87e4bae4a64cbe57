import type { Rgb, Tensor } from '../../index.ts';
import { Raster } from './raster.ts';

/*
 * Feature maps as pictures. One scale a layer, the same on both sides of 0: 0 is dark, positive numbers go through orange
 * to white, negative ones through blue to white; white is the magnitude that 99.5 % of the layer's numbers stay within, so
 * that a few large ones do not darken all others.
 */

/** What lies between maps, and under text. */
export const BACKGROUND: Rgb = [38, 41, 48];

/** Of a layer's numbers, this part is within the scale. */
const SCALED_PART = 0.995;
/** Numbers are counted by magnitude in so many bins to find it. */
const BINS = 4096;

/** Pixels of a layer's picture, across. */
const GRID_WIDTH = 1024;
const GAP = 4;

/** Colours from 0 to the scale's end, a quarter of it apart. */
const POSITIVE: readonly Rgb[] = [
  [8, 8, 12],
  [112, 32, 20],
  [222, 94, 24],
  [252, 186, 72],
  [255, 255, 240],
];
const NEGATIVE: readonly Rgb[] = [
  [8, 8, 12],
  [18, 44, 120],
  [30, 108, 206],
  [104, 190, 240],
  [240, 252, 255],
];

/** The colour of a number from −1 to 1; what is past that is as bright. */
export function colourOf(value: number): Rgb {
  if (Number.isNaN(value)) return [255, 0, 255];
  const colours = value < 0 ? NEGATIVE : POSITIVE;
  const at = Math.min(Math.abs(value), 1) * (colours.length - 1);
  const [from, to] = [colours[Math.floor(at)], colours[Math.ceil(at)]];
  const part = at - Math.floor(at);
  const mixed = (c: 0 | 1 | 2) => from[c] + (to[c] - from[c]) * part;
  return [mixed(0), mixed(1), mixed(2)];
}

/** What a layer's numbers are like. */
export interface MapRange {
  readonly min: number;
  readonly max: number;
  /** The part of them that is 0, 0 … 1. */
  readonly zeros: number;
  /** The magnitude that is shown white, above 0. */
  readonly scale: number;
}

export function rangeOf({ data }: Tensor): MapRange {
  let min = Infinity;
  let max = -Infinity;
  let zeros = 0;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
  }
  const most = Math.max(-min, max);
  return { min, max, zeros: zeros / data.length, scale: most > 0 ? scaleOf(data, most) : 1 };
}

function scaleOf(data: Float32Array, most: number): number {
  const counts = new Uint32Array(BINS + 1);
  for (const value of data) counts[Math.floor((Math.abs(value) / most) * BINS)]++;
  let within = 0;
  let bin = 0;
  for (; bin < BINS && within < SCALED_PART * data.length; bin++) within += counts[bin];
  return (bin / BINS) * most;
}

/** A picture's size in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** At most `side` wide and high, and enlarged or reduced by a whole number. */
function wholeSize({ shape: [, , height, width] }: Tensor, side: number): Size {
  const longest = Math.max(height, width);
  const zoom = Math.max(Math.floor(side / longest), 1);
  const step = Math.ceil(longest / side);
  return { width: Math.ceil(width / step) * zoom, height: Math.ceil(height / step) * zoom };
}

/** `side` wide or high, whichever is longer. */
export function fittingSize({ shape: [, , height, width] }: Tensor, side: number): Size {
  const factor = side / Math.max(height, width);
  const [fitWidth, fitHeight] = [width, height].map((length) =>
    Math.max(Math.round(length * factor), 1),
  );
  return { width: fitWidth, height: fitHeight };
}

/** One channel at that size: means where it is reduced, squares where it is enlarged. */
export function mapPicture(tensor: Tensor, channel: number, scale: number, size: Size): Raster {
  const {
    shape: [, , height, width],
    data,
  } = tensor;
  const picture = new Raster(size.width, size.height, BACKGROUND);
  const first = channel * height * width;
  let above = -1;
  for (let y = 0; y < size.height; y++) {
    const [top, bottom] = sourceSpan(y, size.height, height);
    // An enlarged map repeats each row many times. Spans that begin alike are alike.
    if (top === above) {
      picture.repeatRowAbove(y);
      continue;
    }
    above = top;
    for (let x = 0; x < size.width; x++) {
      const [left, right] = sourceSpan(x, size.width, width);
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          sum += data[first + row * width + column];
        }
      }
      const mean = sum / ((bottom - top) * (right - left));
      picture.set(x, y, colourOf(mean / scale));
    }
  }
  return picture;
}

/** The numbers that pixel `at` of `count` stands for, of `length`: from the first up to and without the second. */
function sourceSpan(at: number, count: number, length: number): [number, number] {
  const first = Math.floor((at * length) / count);
  return [first, Math.max(Math.floor(((at + 1) * length) / count), first + 1)];
}

/** All channels of a layer, in rows. */
export function layerPicture(tensor: Tensor, { scale }: MapRange): Raster {
  const [, channels] = tensor.shape;
  const columns = columnsFor(channels);
  const size = wholeSize(tensor, Math.floor((GRID_WIDTH - GAP) / columns) - GAP);
  const maps = Array.from({ length: channels }, (_, c) => mapPicture(tensor, c, scale, size));
  const { width, height } = size;
  const rows = Math.ceil(channels / columns);
  const picture = new Raster(
    columns * (width + GAP) + GAP,
    rows * (height + GAP) + GAP,
    BACKGROUND,
  );
  for (const [n, map] of maps.entries()) {
    const [column, row] = [n % columns, Math.floor(n / columns)];
    picture.put(map, GAP + column * (width + GAP), GAP + row * (height + GAP));
  }
  return picture;
}

/** Up to 4 channels beside each other; else the first number from the root on that divides them: 64 are 8 by 8. */
function columnsFor(channels: number): number {
  if (channels <= 4) return channels;
  let columns = Math.ceil(Math.sqrt(channels));
  while (channels % columns !== 0) columns++;
  return columns;
}

/** The channels in which the most goes on, by their variance, in their order. */
export function liveliest({ shape: [, channels], data }: Tensor, count: number): number[] {
  const plane = data.length / channels;
  const variances = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    let squares = 0;
    for (const value of data.subarray(channel * plane, (channel + 1) * plane)) {
      sum += value;
      squares += value * value;
    }
    return squares / plane - (sum / plane) ** 2;
  });
  return variances
    .map((variance, channel) => ({ variance, channel }))
    .sort((a, b) => b.variance - a.variance)
    .slice(0, count)
    .map(({ channel }) => channel)
    .sort((a, b) => a - b);
}

/** A tensor [1, 3, H, W] in [0, 1] as the picture that it is, `side` wide or high. */
export function colourPicture(tensor: Tensor, side: number): Raster {
  const {
    shape: [, , height, width],
    data,
  } = tensor;
  const size = fittingSize(tensor, side);
  const picture = new Raster(size.width, size.height, BACKGROUND);
  for (let y = 0; y < size.height; y++) {
    const [row] = sourceSpan(y, size.height, height);
    for (let x = 0; x < size.width; x++) {
      const [column] = sourceSpan(x, size.width, width);
      const at = row * width + column;
      const [r, g, b] = [0, 1, 2].map((c) => Math.round(data[c * height * width + at] * 255));
      picture.set(x, y, [r, g, b]);
    }
  }
  return picture;
}
