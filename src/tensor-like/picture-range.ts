import { describe } from '../checks.ts';
import { expected } from '../errors.ts';

/** The range of a picture tensor's values. */
export type PictureRange = '[0,1]' | '[-1,1]';

/** Values below LOW or above HIGH count as outside. A share of them decides. */
const LOW = -0.25;
const HIGH = 2;
const MAX_SHARE = 0.02;

/**
 * Brings a copy of a picture tensor into [0, 1], or refuses it.
 *
 * Decoders overshoot [0, 1], and their pictures must pass. Of the golden pictures, at most 0.04 % of
 * the values lie below −0.25, and the extremes are −0.30 and 1.28. Of decoded noise of deviation 1,
 * at most 0.93 % do (`nano`), and none exceeds 1.64; of deviation 3, 0.95 % (`taesd`). A picture in
 * [−1, 1] has all values below 0.375 there, and one in 0…255 has nearly all above 2.
 *
 * @throws TaesdError ARG (an unknown range; more than 2 % of the values outside [−0.25, 2], and no
 *   range given)
 */
export function toUnitRange(data: Float32Array, range: PictureRange | undefined): void {
  if (range === '[0,1]') return;
  if (range === '[-1,1]') {
    for (let i = 0; i < data.length; i++) data[i] = (data[i] + 1) / 2;
    return;
  }
  if (range !== undefined) {
    throw expected('ARG', 'range', "'[0,1]' or '[-1,1]'", describe(range));
  }
  let [below, above] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (data[i] < LOW) below++;
    else if (data[i] > HIGH) above++;
  }
  if (Math.max(below, above) <= MAX_SHARE * data.length) return;
  const got = `${Math.round((100 * Math.max(below, above)) / data.length)} % ${
    above > below ? `above ${HIGH}` : `below ${LOW}`
  }`;
  const hint =
    above > below
      ? "0 to 255? x / 255 converts; range: '[0,1]' lets it pass"
      : "[−1,1]? (x + 1) / 2 or range: '[-1,1]' converts; range: '[0,1]' lets it pass";
  throw expected('ARG', 'image', 'values in [0,1]', got, { hint });
}
