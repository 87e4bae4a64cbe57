import { shapeText, type Tensor } from '../../src/tensor.ts';

/**
 * Checks that two tensors have one shape and differ by at most `absolute + relative · |wanted|`.
 *
 * @returns the largest difference
 * @throws Error naming the first element that is off
 */
export function checkClose(
  what: string,
  got: Tensor,
  wanted: Tensor,
  absolute: number,
  relative = 0,
) {
  if (shapeText(got.shape) !== shapeText(wanted.shape)) {
    throw new Error(`${what}: shape ${shapeText(got.shape)} for ${shapeText(wanted.shape)}`);
  }
  let largest = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const off = Math.abs(got.data[i] - wanted.data[i]);
    if (!(off <= absolute + relative * Math.abs(wanted.data[i]))) {
      throw new Error(`${what}: element ${i} is ${got.data[i]} for ${wanted.data[i]}`);
    }
    largest = Math.max(largest, off);
  }
  return largest;
}

/** Peak signal to noise ratio of values in 0 … 1, clamped to it, in dB. */
export function psnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  const clamped = (value: number) => Math.min(Math.max(value, 0), 1);
  for (let i = 0; i < a.length; i++) sum += (clamped(a[i]) - clamped(b[i])) ** 2;
  return 10 * Math.log10(a.length / sum);
}
