/** The range of a picture tensor's values. */
export type PictureRange = '[0,1]' | '[-1,1]';

/** Values below LOW or above HIGH count as outside. */
export const LOW = -0.25;
export const HIGH = 2;
const MAX_SHARE = 0.02;

/**
 * Returns true if a picture tensor must be converted or refused: for a range other than [0, 1],
 * and, without one, if more than 2 % of the values are below −0.25 or above 2.
 *
 * Decoders overshoot [0, 1], and their pictures must pass. In the golden pictures, at most 0.04 %
 * of the values lie below −0.25, and the extremes are −0.30 and 1.28. In decoded noise, at most
 * 0.93 % do for deviation 1 (`nano`), where none exceeds 1.64, and 0.95 % for deviation 3
 * (`taesd`). In [−1, 1], the values of a picture that are below 0.375 in [0, 1] lie there. In
 * 0 … 255, nearly all are above 2.
 */
export function needsUnitRange(data: Float32Array, range: PictureRange | undefined): boolean {
  if (range !== undefined) return range !== '[0,1]';
  const { below, above } = sharesOutside(data);
  return Math.max(below, above) > MAX_SHARE;
}

/** Returns the shares of values outside, from 0 to 1. */
export function sharesOutside(data: Float32Array): { below: number; above: number } {
  let [below, above] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (data[i] < LOW) below++;
    else if (data[i] > HIGH) above++;
  }
  return { below: below / data.length, above: above / data.length };
}
