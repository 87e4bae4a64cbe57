import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { HIGH, LOW, type PictureRange, sharesOutside } from './shares-outside.ts';

/**
 * Refuses a range for anything but a picture tensor. It would change nothing, and the caller
 * believes otherwise.
 *
 * @throws TaesdError ARG
 */
export function refuseRange(range: unknown, input: 'a picture' | 'latents'): never {
  const own = input === 'latents' ? '' : 'its bytes are 0 to 255; ';
  const hint = `${own}range is for tensors [N,3,H,W]`;
  throw expected('ARG', 'range', `none for ${input}`, describe(range), { hint });
}

/**
 * Brings a copy of a picture tensor into [0, 1], or refuses it. Called for a given range, and for
 * values that are clearly outside.
 *
 * @throws TaesdError ARG (an unknown range; values outside)
 */
export function toUnitRange(data: Float32Array, range: PictureRange | undefined): void {
  if (range === '[-1,1]') {
    for (let i = 0; i < data.length; i++) data[i] = (data[i] + 1) / 2;
    return;
  }
  if (range !== undefined) {
    throw expected('ARG', 'range', "'[0,1]' or '[-1,1]'", describe(range));
  }
  const { below, above } = sharesOutside(data);
  const share = `${Math.round(100 * Math.max(below, above))} %`;
  const got = above > below ? `${share} above ${HIGH}` : `${share} below ${LOW}`;
  const hint =
    above > below
      ? "0 to 255? x / 255 converts; range: '[0,1]' lets it pass"
      : "[-1,1]? (x + 1) / 2 or range: '[-1,1]' converts; range: '[0,1]' lets it pass";
  throw expected('ARG', 'image', 'values in [0,1]', got, { hint });
}
