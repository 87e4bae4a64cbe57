import { expected } from '../errors.ts';

/**
 * Checks a picture's size before anything is decoded.
 *
 * @throws TaesdError LIMIT (more than `maxPixels`)
 */
export function checkPixelCount(
  what: string,
  width: number,
  height: number,
  maxPixels: number,
): void {
  if (width * height <= maxPixels) return;
  const got = `${width}×${height} = ${width * height}`;
  const remedy = { api: 'option maxPixels', command: '--max-pixels N raises the limit' };
  throw expected('LIMIT', what, `at most ${maxPixels} pixels`, got, { remedy });
}
