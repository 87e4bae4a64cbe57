import type { Follows } from '../measure/follows.ts';
import { fixed } from './measured.ts';
import { whole } from './numbers.ts';

/*
 * Sentences on the latent as a whole, made from what was measured.
 */

/** Correlations below this are not told. */
const LEAST_CORRELATION = 0.3;

/** Returns the channel that follows brightness most, up or down; undefined if none can be told. */
export function brightestFollower(found: readonly Follows[]): Follows | undefined {
  let best: Follows | undefined;
  for (const each of found) {
    if (Math.abs(each.luma ?? 0) > Math.abs(best?.luma ?? 0)) best = each;
  }
  return best;
}

/** Tells which channel follows brightness most. It is part of a sentence. */
export function followerText(found: readonly Follows[]): string {
  const best = brightestFollower(found);
  const luma = best?.luma ?? 0;
  if (best === undefined || Math.abs(luma) < LEAST_CORRELATION) {
    return 'none of them follows brightness alone';
  }
  const way = luma < 0 ? ', upside down' : '';
  return `channel ${best.channel} follows brightness most (correlation ${fixed(luma, 2)}${way})`;
}

/** Returns how many times fewer one count is than another: "48", "5.3". */
export const timesFewer = (many: number, few: number): string =>
  `${Number((many / few).toFixed(1))}`;

/** Tells what 8 bits take, and what they cost the picture. */
export function eightBitText(
  numbers: number,
  quality: { readonly plain: number | undefined; readonly bytes: number | undefined },
): string {
  const size = `${whole(numbers)} bytes instead of ${whole(4 * numbers)}.`;
  const { plain, bytes } = quality;
  if (plain === undefined || bytes === undefined) return size;
  const told = (value: number) => (Number.isFinite(value) ? fixed(value, 2) : '∞');
  return `${size} The picture: ${told(bytes)} dB instead of ${told(plain)}.`;
}
