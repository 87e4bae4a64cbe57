import { checkSize } from '../checks.ts';
import { inCall } from '../errors.ts';

/**
 * Returns the size that `encode` scales a picture to with the option `maxSize`: the longer side is
 * `maxSize`, and the other keeps the proportion, rounded. A picture that fits keeps its size.
 *
 * @param width    pixels of the picture
 * @param maxSize  the largest side that is wanted
 * @throws TaesdError ARG (not a whole number from 1)
 */
export function sizeWithin(
  width: number,
  height: number,
  maxSize: number,
): { width: number; height: number } {
  return inCall('sizeWithin', () => within(width, height, maxSize));
}

function within(width: number, height: number, maxSize: number) {
  const longer = Math.max(checkSize('width', width), checkSize('height', height));
  checkSize('maxSize', maxSize);
  if (longer <= maxSize) return { width, height };
  const scaled = (side: number) => Math.max(1, Math.round((side * maxSize) / longer));
  return { width: scaled(width), height: scaled(height) };
}
