import { expect } from 'vitest';
import type { Tensor } from '../src/tensor.ts';
import { shapeText } from '../src/tensor.ts';

/** Returns the largest difference of two arrays of one length, or NaN if either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return NaN;
    if (difference > largest) largest = difference;
  }
  return largest;
}

/**
 * Asserts that two tensors have one shape and differ by at most `bound`. The message names the
 * first element that differs by more.
 *
 * @returns the largest difference
 */
export function expectClose(actual: Tensor, wanted: Tensor, bound: number): number {
  expect(shapeText(actual.shape)).toBe(shapeText(wanted.shape));
  const largest = largestDifference(actual.data, wanted.data);
  const at =
    largest <= bound
      ? -1
      : actual.data.findIndex((value, i) => !(Math.abs(value - wanted.data[i]) <= bound));
  const found =
    at < 0 ? 'none' : `element ${at}: got ${actual.data[at]}, expected ${wanted.data[at]}`;
  expect(found, `first element off by more than ${bound}`).toBe('none');
  return largest;
}
