import type { Area } from 'taesd-wasm';
import type { Filter, Planes } from './convolution.ts';
import type { Covariance } from './filter-kinds.ts';
import { tapOf, windowSums } from './map-covariance.ts';

/*
 * How much a 3×3 filter on red, green and blue answers to the brightest spot of a picture: in the
 * sample that is the moon.
 *
 * A map's mean over an area is the filter times the mean window of that area, and its variance
 * follows from the windows' covariance. So no map has to be made, and all filters are ranked within
 * a millisecond.
 */

/** The brightest spot of a picture. */
export interface Spot {
  /** The places that are in it: y · width + x. */
  readonly places: readonly number[];
  /** The box around it. */
  readonly box: Area;
}

/** A spot has at most this part of the picture. */
const MAX_SHARE = 0.02;
/** A spot goes as far as its pixels have at least this part of the brightest one's brightness. */
const LEAST = 0.9;

/** Returns the pixels around the brightest one that are nearly as bright and touch each other. */
export function brightestSpot({ width, height, data }: Planes): Spot {
  const area = width * height;
  const bright = new Float32Array(area);
  for (let at = 0; at < area; at++) {
    bright[at] = 0.299 * data[at] + 0.587 * data[area + at] + 0.114 * data[2 * area + at];
  }
  const smooth = smoothed(bright, width, height);
  let first = 0;
  for (let at = 1; at < area; at++) if (smooth[at] > smooth[first]) first = at;
  const max = Math.max(1, Math.floor(area * MAX_SHARE));
  let least = LEAST * smooth[first];
  let places = around(first, smooth, width, least, max);
  // A bright sky gives its brightest part alone.
  for (let n = 0; n < 6 && places.length >= max; n++) {
    least = (least + smooth[first]) / 2;
    places = around(first, smooth, width, least, max);
  }
  return { places, box: boxOf(places, width) };
}

/**
 * Returns the mean of each pixel and its eight neighbours: a single bright pixel, such as a star,
 * is no spot.
 */
function smoothed(values: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [sum, count] = [0, 0];
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          sum += values[row * width + column];
          count++;
        }
      }
      out[y * width + x] = sum / count;
    }
  }
  return out;
}

/** Returns the connected places that are bright enough, the nearest first, at most so many. */
function around(
  first: number,
  values: Float32Array,
  width: number,
  least: number,
  max: number,
): number[] {
  const found = [first];
  const seen = new Set(found);
  for (let n = 0; n < found.length && found.length < max; n++) {
    const x = found[n] % width;
    const beside = [found[n] - width, found[n] + width];
    if (x > 0) beside.push(found[n] - 1);
    if (x < width - 1) beside.push(found[n] + 1);
    for (const at of beside) {
      if (at < 0 || at >= values.length || seen.has(at) || values[at] < least) continue;
      seen.add(at);
      found.push(at);
    }
  }
  return found;
}

function boxOf(places: readonly number[], width: number): Area {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const place of places) {
    const [x, y] = [place % width, Math.floor(place / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * Returns the mean window inside a spot less the mean window outside of it: 27 numbers. A filter
 * times them is how far its map is higher inside.
 */
export function contrastOf(planes: Planes, { places }: Spot): Float64Array {
  const { width, height, data } = planes;
  const inside = new Float64Array(27);
  const all = windowSums(planes);
  const area = width * height;
  for (let tap = 0; tap < 27; tap++) {
    const { colour, down, across } = tapOf(tap);
    for (const place of places) {
      const [y, x] = [Math.floor(place / width) + down, (place % width) + across];
      if (y >= 0 && y < height && x >= 0 && x < width) {
        inside[tap] += data[colour * area + y * width + x];
      }
    }
  }
  const rest = Math.max(area - places.length, 1);
  return inside.map((sum, tap) => sum / places.length - (all[tap] - sum) / rest);
}

/**
 * Returns how far a filter's map is higher inside the spot than outside, in units of the map's
 * standard deviation.
 *
 * @param covariance  that of the map's windows, as `mapCovariance` gives it
 * @returns undefined for a map that is the same everywhere
 */
export function answerTo(
  { weight }: Filter,
  contrast: Float64Array,
  covariance: Covariance,
): number | undefined {
  let [higher, variance] = [0, 0];
  for (let i = 0; i < 27; i++) {
    higher += weight[i] * contrast[i];
    for (let j = 0; j < 27; j++) variance += weight[i] * covariance[i * 27 + j] * weight[j];
  }
  return variance > 1e-12 ? higher / Math.sqrt(variance) : undefined;
}
