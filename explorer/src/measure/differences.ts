import type { Picture } from 'taesd-wasm';
import type { Planes } from './convolution.ts';
import { checkSizes } from './psnr.ts';

/**
 * Returns the difference of two pictures as a map: of each pixel the largest difference of its
 * red, green and blue, from 0 to 255.
 *
 * @throws RangeError if their sizes differ
 */
export function changeMap(one: Picture, other: Picture): Planes {
  checkSizes(one, other);
  const { width, height } = one;
  const data = new Float32Array(width * height);
  for (let at = 0, from = 0; at < data.length; at++, from += 4) {
    data[at] = Math.max(
      Math.abs(one.data[from] - other.data[from]),
      Math.abs(one.data[from + 1] - other.data[from + 1]),
      Math.abs(one.data[from + 2] - other.data[from + 2]),
    );
  }
  return { channels: 1, height, width, data };
}

/** The largest difference of two pictures, from 0 to 255, and the first pixel that has it. */
export interface LargestDifference {
  readonly difference: number;
  readonly x: number;
  readonly y: number;
}

/** @throws RangeError if the pictures' sizes differ */
export function largestDifference(one: Picture, other: Picture): LargestDifference {
  const { width, data } = changeMap(one, other);
  let largest = 0;
  for (let at = 1; at < data.length; at++) if (data[at] > data[largest]) largest = at;
  return { difference: data[largest], x: largest % width, y: Math.floor(largest / width) };
}
