import { startsWith } from '../first-bytes.ts';

/**
 * An orientation of EXIF: what a viewer has to do to the stored pixels. 1 nothing, 2 mirror left to
 * right, 3 turn by half, 4 mirror top to bottom, 5 transpose, 6 turn clockwise, 7 transpose along
 * the other diagonal, 8 turn counterclockwise.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const TAG = 0x0112;
/** The type of the tag's value: one number of 16 bits. */
const SHORT = 3;
const ENTRY_BYTES = 12;

/** JPEG writes this before the TIFF structure. Some writers of WebP and PNG do so too. */
const PREFIX = 'Exif\0\0';

/**
 * Returns the orientation in EXIF data. It never throws: data that breaks a rule says nothing about
 * the pixels, so its orientation is 1, as in browsers.
 * Source: CIPA DC-008 (Exif 3.0), 4.6.2 and 4.6.5; TIFF 6.0, section 2
 *
 * @param exif  a TIFF structure, the contents of PNG's eXIf, WebP's EXIF or JPEG's APP1 segment
 */
export function orientationOf(exif: Uint8Array): Orientation {
  const tiff = startsWith(exif, PREFIX) ? exif.subarray(PREFIX.length) : exif;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const isLittle = startsWith(tiff, 'II*\0');
  if (view.byteLength < 8 || !(isLittle || startsWith(tiff, 'MM\0*'))) return 1;
  // Only the first directory describes the picture; the second describes its thumbnail.
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return 1;
  const fitting = Math.floor((view.byteLength - directory - 2) / ENTRY_BYTES);
  const count = Math.min(view.getUint16(directory, isLittle), fitting);
  for (let n = 0; n < count; n++) {
    const entry = directory + 2 + n * ENTRY_BYTES;
    if (view.getUint16(entry, isLittle) !== TAG) continue;
    const isOneShort =
      view.getUint16(entry + 2, isLittle) === SHORT && view.getUint32(entry + 4, isLittle) === 1;
    const value = view.getUint16(entry + 8, isLittle);
    return isOneShort && value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
