import { type BytesLike, bytesOf, checkNames, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { oriented } from '../exif/index.ts';
import { decodeScanned, limitsOf } from './decode.ts';
import { colourSpaceOf, pngOrientation } from './meaning.ts';
import { scanPng } from './scan.ts';

/** A decoded PNG file: its picture and its texts. */
export interface DecodedPng {
  readonly width: number;
  readonly height: number;
  /** RGBA, u8 [height][width][4], row-major. Alpha is straight (not premultiplied). */
  readonly data: Uint8Array;
  /** The texts of tEXt chunks by keyword: at most 256 texts of up to 64 KiB each, 1 MiB in all. */
  readonly text: ReadonlyMap<string, string>;
  /**
   * Sentences about what the file says and the pixels do not follow: chunks that break a rule and
   * are left out, colours that are not converted. At most 17; empty for most files.
   */
  readonly notes: readonly string[];
}

/** The options of `decodePng`. */
export interface DecodePngOptions {
  /**
   * The largest width × height accepted, 1 to 2²⁹. Defaults to 2²⁶ (`DEFAULT_MAX_PIXELS`), and to a
   * height of at most 2²⁰, which does not count if the option is given.
   */
  readonly maxPixels?: number;
  /**
   * `srgb` converts the colours to sRGB and turns the picture as the file says. `raw` returns the
   * samples as they are stored. Defaults to `srgb`.
   */
  readonly colour?: 'srgb' | 'raw';
}

/**
 * Decodes a PNG file of any legal colour type, depth and interlacing to 8-bit RGBA.
 *
 * Samples of other depths are rounded to the nearest of 256 levels: round(v·255 / (2^depth − 1)).
 * tRNS becomes alpha. The picture is turned as eXIf says. Colours are converted to sRGB from what
 * cICP, iCCP, sRGB, or gAMA with cHRM say, in this order; out of sRGB's gamut they are clipped.
 * Profiles of tables in three dimensions and high dynamic range are not converted, which `notes`
 * says. An animated PNG gives its first frame, as browsers show it.
 *
 * A file is read if it has all its pixels. Ancillary chunks that break a rule are left out, and
 * nothing after the last pixel is an error. The size in the header is checked against the amount of
 * compressed data before memory is allocated, so memory stays in proportion to the input. The input
 * is not changed and not kept.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param bytes    the whole file; a view at any offset, or an ArrayBuffer
 * @param options  `maxPixels`, `colour`
 * @returns the picture as RGBA, u8 [height][width][4], the file's texts, and notes
 * @throws TaesdError FORMAT (not a PNG file, or breaks a rule of PNG), TRUNCATED (cut off),
 *   INTEGRITY (a checksum does not match), UNSUPPORTED (another type of picture; a method or chunk
 *   unknown to PNG), LIMIT (more than `maxPixels`, or more than 2²⁰ rows without the option), ARG
 *   (wrong argument or option), OOM
 */
export function decodePng(bytes: BytesLike, options: DecodePngOptions = {}): DecodedPng {
  return inCall('decodePng', () => decode(bytes, options));
}

function decode(bytes: BytesLike, options: DecodePngOptions): DecodedPng {
  const file = bytesOf(bytes);
  checkNames(options, ['maxPixels', 'colour'], 'an object { maxPixels, colour }');
  const { maxPixels, colour = 'srgb' } = options;
  if (colour !== 'srgb' && colour !== 'raw') {
    throw expected('ARG', 'colour', '"srgb" or "raw"', describe(colour));
  }
  const scanned = scanPng(file, limitsOf(maxPixels));
  const isRaw = colour === 'raw';
  const picture = decodeScanned(scanned, isRaw ? undefined : colourSpaceOf(scanned));
  const shown = isRaw ? picture : oriented(picture, pngOrientation(scanned));
  return { ...shown, text: scanned.text, notes: scanned.notes.sentences };
}
