import { checkBytes, checkNames, describe } from '../checks.ts';
import { expected, inCall, TaesdError } from '../errors.ts';
import { oriented } from '../exif/index.ts';
import { allocatePngBytes } from './allocate.ts';
import { PAETH } from './filter.ts';
import {
  DEFAULT_MAX_PIXELS,
  DEFAULT_MAX_ROWS,
  MAX_PIXELS_LIMIT,
  type PngLimits,
} from './header.ts';
import { inflateExactly } from './inflate.ts';
import { colourSpaceOf, pngOrientation } from './meaning.ts';
import { type Pass, passesOf, scanlineBytes } from './passes.ts';
import { RowPlacer } from './pixels.ts';
import { type ScannedPng, scanPng } from './scan.ts';
import { NO_ROW, unfilterRow } from './unfilter.ts';

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
 * says. An animated PNG gives its still picture.
 *
 * A file is read if it has all its pixels. Ancillary chunks that break a rule are left out, and
 * nothing after the last pixel is an error. The size in the header is checked against the amount of
 * compressed data before memory is allocated, so memory stays in proportion to the input. The input
 * is not changed and not kept.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param bytes    the whole file; it may be a subarray at any offset
 * @param options  `maxPixels`, `colour`
 * @returns the picture as RGBA, u8 [height][width][4], the file's texts, and notes
 * @throws TaesdError FORMAT (not a PNG file, or breaks a rule of PNG), TRUNCATED (cut off),
 *   INTEGRITY (a checksum does not match), UNSUPPORTED (another type of picture; a method or chunk
 *   unknown to PNG), LIMIT (more than `maxPixels`, or more than 2²⁰ rows without the option), ARG
 *   (wrong argument or option), OOM
 */
export function decodePng(bytes: Uint8Array, options: DecodePngOptions = {}): DecodedPng {
  return inCall('decodePng', () => decode(bytes, options));
}

function decode(bytes: Uint8Array, options: DecodePngOptions): DecodedPng {
  checkBytes(bytes);
  const limits = checkOptions(options);
  const scanned = scanPng(bytes, limits);
  const isRaw = options.colour === 'raw';
  const { header, text, notes } = scanned;
  const { width, height } = header;
  const passes = passesOf(header);
  const lines = inflatePixels(scanned, scanlineBytes(passes));
  const data = allocatePngBytes('pixels', width * height * 4);
  const space = isRaw ? undefined : colourSpaceOf(scanned);
  const placer = new RowPlacer(scanned, space, data);
  const pixelBytes = Math.max(1, (header.channels * header.depth) / 8);
  let at = 0;
  for (const pass of passes) {
    placePass(pass, { lines, at, pixelBytes }, width, placer);
    at += pass.height * (1 + pass.rowBytes);
  }
  if (placer.largestIndex >= 0) {
    const rule = `palette indices below ${(scanned.palette?.length ?? 0) / 3}`;
    notes.add(`pixels are black: expected ${rule}, got ${placer.largestIndex}`);
  }
  const picture = { width, height, data };
  const shown = isRaw ? picture : oriented(picture, pngOrientation(scanned));
  return { ...shown, text, notes: notes.sentences };
}

/** Inflates the rows. A file whose IDAT chunks are apart is refused if the first do not suffice. */
function inflatePixels(scanned: ScannedPng, length: number): Uint8Array {
  const { compressed, compressedName, laterIdat } = scanned;
  try {
    return inflateExactly(compressedName, compressed, length);
  } catch (cause) {
    if (laterIdat === undefined || !(cause instanceof TaesdError) || cause.code !== 'TRUNCATED') {
      throw cause;
    }
    const rule = 'a place right after the last IDAT';
    throw expected('FORMAT', laterIdat, rule, 'a chunk between them', { cause });
  }
}

/** Filtered rows, the place of a pass among them, and the bytes of a pixel. */
interface PassRows {
  readonly lines: Uint8Array;
  readonly at: number;
  readonly pixelBytes: number;
}

/** Undoes the filters of a pass, row by row, and places each row. @param width  the picture's */
function placePass(
  pass: Pass,
  { lines, at, pixelBytes }: PassRows,
  width: number,
  placer: RowPlacer,
): void {
  const { rowBytes, height, firstX, firstY, stepX, stepY } = pass;
  const lineBytes = 1 + rowBytes;
  placer.beginPass(pass.width, stepX);
  let above = NO_ROW;
  let to = firstY * width + firstX;
  for (let row = 0, line = at; row < height; row++, line += lineBytes) {
    if (lines[line] > PAETH) throw badFilter(pass, row, lines[line]);
    unfilterRow(lines, line, above, rowBytes, pixelBytes);
    placer.place(lines, line + 1, to);
    above = line + 1;
    to += stepY * width;
  }
}

function badFilter({ number }: Pass, row: number, filter: number): TaesdError {
  const ofPass = number === 0 ? '' : ` of Adam7 pass ${number}`;
  return expected('FORMAT', `filter of row ${row}${ofPass}`, `0 to ${PAETH}`, `${filter}`);
}

function checkOptions(options: unknown): PngLimits {
  if (typeof options !== 'object' || options === null) {
    throw expected('ARG', 'options', 'an object { maxPixels, colour }', describe(options));
  }
  checkNames(options, ['maxPixels', 'colour']);
  const { maxPixels, colour = 'srgb' } = options as { maxPixels?: unknown; colour?: unknown };
  if (colour !== 'srgb' && colour !== 'raw') {
    throw expected('ARG', 'colour', '"srgb" or "raw"', describe(colour));
  }
  if (maxPixels === undefined) {
    return { maxPixels: DEFAULT_MAX_PIXELS, maxRows: DEFAULT_MAX_ROWS };
  }
  if (
    typeof maxPixels !== 'number' ||
    !Number.isInteger(maxPixels) ||
    maxPixels < 1 ||
    maxPixels > MAX_PIXELS_LIMIT
  ) {
    const rule = `a whole number from 1 to ${MAX_PIXELS_LIMIT}`;
    throw expected('ARG', 'maxPixels', rule, describe(maxPixels));
  }
  return { maxPixels, maxRows: maxPixels };
}
