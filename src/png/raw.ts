import { type BytesLike, bytesOf } from '../checks.ts';
import { decodeScanned, limitsOf } from './decode.ts';
import type { DecodedPng } from './read.ts';
import { scanPng } from './scan.ts';

/**
 * Does what `decodePng` does with `colour: 'raw'`. Programs that read no pictures, but latents,
 * import it without the code for colours.
 *
 * @param bytes      the whole file
 * @param maxPixels  as for `decodePng`
 * @throws TaesdError as `decodePng`
 */
export function decodeRawPng(bytes: BytesLike, maxPixels: number | undefined): DecodedPng {
  const scanned = scanPng(bytesOf(bytes), limitsOf(maxPixels));
  const picture = decodeScanned(scanned, undefined);
  return { ...picture, text: scanned.text, notes: scanned.notes.sentences };
}
