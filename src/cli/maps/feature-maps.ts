import type { Tensor } from '../../index.ts';
import type { Size } from '../line/size.ts';
import { BACKGROUND, colourOf } from './colours.ts';
import type { MapRange } from './range.ts';
import { Raster } from './raster.ts';

/*
 * Feature maps as pictures. All maps of a layer share one scale, which extends as far below 0 as
 * above it.
 */

/** The width of a layer's picture in pixels. */
const GRID_WIDTH = 1024;
const GAP = 4;

/** Returns a size of at most `side`, enlarged or reduced by a whole number. */
function wholeSize({ shape: [, , height, width] }: Tensor, side: number): Size {
  const longest = Math.max(height, width);
  const zoom = Math.max(Math.floor(side / longest), 1);
  const step = Math.ceil(longest / side);
  return { width: Math.ceil(width / step) * zoom, height: Math.ceil(height / step) * zoom };
}

/** Returns a size whose longer side is `side`. */
export function fittingSize({ shape: [, , height, width] }: Tensor, side: number): Size {
  const factor = side / Math.max(height, width);
  const [fitWidth, fitHeight] = [width, height].map((length) =>
    Math.max(Math.round(length * factor), 1),
  );
  return { width: fitWidth, height: fitHeight };
}

/** Draws one channel. Reduced maps show means, enlarged ones squares. */
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

/** Returns the first number, of `length`, that pixel `at` of `count` shows, and the last plus 1. */
function sourceSpan(at: number, count: number, length: number): [number, number] {
  const first = Math.floor((at * length) / count);
  return [first, Math.max(Math.floor(((at + 1) * length) / count), first + 1)];
}

/** Draws all channels of a layer in rows. */
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

/**
 * Returns the number of columns. Up to 4 channels stand in one row. More get the first divisor from
 * the root on: 64 channels are 8 by 8.
 */
function columnsFor(channels: number): number {
  if (channels <= 4) return channels;
  let columns = Math.ceil(Math.sqrt(channels));
  while (channels % columns !== 0) columns++;
  return columns;
}

/** Returns the channels with the largest variance, in their order. */
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

/**
 * Draws a tensor [1, 3, H, W] or [1, 4, H, W] in [0, 1] as a picture whose longer side is `side`.
 * Translucent pixels are laid over the background.
 */
export function colourPicture(tensor: Tensor, side: number): Raster {
  const {
    shape: [, channels, height, width],
    data,
  } = tensor;
  const size = fittingSize(tensor, side);
  const picture = new Raster(size.width, size.height, BACKGROUND);
  for (let y = 0; y < size.height; y++) {
    const [row] = sourceSpan(y, size.height, height);
    for (let x = 0; x < size.width; x++) {
      const [column] = sourceSpan(x, size.width, width);
      const at = row * width + column;
      const numberOf = (c: number) => data[c * height * width + at];
      const alpha = channels === 4 ? Math.min(Math.max(numberOf(3), 0), 1) : 1;
      const [r, g, b] = BACKGROUND.map((behind, c) =>
        Math.round(numberOf(c) * 255 * alpha + behind * (1 - alpha)),
      );
      picture.set(x, y, [r, g, b]);
    }
  }
  return picture;
}
