import type { Picture } from 'taesd-wasm';
import { overWhite } from './psnr.ts';

/**
 * Returns by how much a colour of two pictures over white differs on average, 0 to 255.
 *
 * @throws RangeError if their sizes differ
 */
export function meanDifference(one: Picture, other: Picture): number {
  const { data: a } = overWhite(one);
  const { data: b } = overWhite(other);
  if (one.width !== other.width || a.length !== b.length) {
    throw new RangeError('the pictures differ in size');
  }
  let sum = 0;
  for (let at = 0; at < a.length; at += 4) {
    for (let c = at; c < at + 3; c++) sum += Math.abs(a[c] - b[c]);
  }
  return sum / (0.75 * a.length);
}
