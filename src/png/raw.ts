import { checkBytes } from '../checks.ts';
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
export function decodeRawPng(bytes: Uint8Array, maxPixels: number | undefined): DecodedPng {
  checkBytes(bytes);
  const scanned = scanPng(bytes, limitsOf(maxPixels));
  const picture = decodeScanned(scanned, undefined);
  return { ...picture, text: scanned.text, notes: scanned.notes.sentences };
}
