import { checkBytes, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { allocatePngBytes } from './allocate.ts';
import { DEFAULT_MAX_PIXELS, MAX_PIXELS_LIMIT } from './header.ts';
import { inflateExactly } from './inflate.ts';
import { passesOf, scanlineBytes } from './passes.ts';
import { colourMap, placeRow } from './pixels.ts';
import { scanPng } from './scan.ts';
import { unfilterBands } from './unfilter.ts';

/** A decoded PNG file: its picture and its texts. */
export interface DecodedPng {
  readonly width: number;
  readonly height: number;
  /** RGBA, u8 [height][width][4], row-major. Alpha is straight (not premultiplied). */
  readonly data: Uint8Array;
  /** The texts of tEXt chunks by keyword: at most 256 texts of up to 64 KiB each, 1 MiB in all. */
  readonly text: ReadonlyMap<string, string>;
}

/** The options of `decodePng`. */
export interface DecodePngOptions {
  /** The largest width × height accepted, 1 to 2²⁹. Defaults to 2²⁷ (`DEFAULT_MAX_PIXELS`). */
  readonly maxPixels?: number;
}

/**
 * Decodes a PNG file of any legal colour type, depth and interlacing to 8-bit RGBA.
 *
 * Samples of other depths are rounded to the nearest of 256 levels: round(v·255 / (2^depth − 1)).
 * tRNS becomes alpha. Gamma and colour profiles are not applied. An animated PNG gives its still
 * picture. The size in the header is checked against the amount of compressed data before memory is
 * allocated, so memory stays in proportion to the input. The input is not changed and not kept.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param bytes    the whole file; it may be a subarray at any offset
 * @param options  `maxPixels`
 * @returns the picture as RGBA, u8 [height][width][4], and the file's texts
 * @throws TaesdError FORMAT (not a PNG file, or breaks a rule of PNG), TRUNCATED (cut off),
 *   INTEGRITY (a checksum does not match), UNSUPPORTED (another type of picture; a method or chunk
 *   unknown to PNG), LIMIT (more than `maxPixels`, or more data than the size in the header), ARG
 *   (wrong argument or option), OOM
 */
export function decodePng(bytes: Uint8Array, options: DecodePngOptions = {}): DecodedPng {
  return inCall('decodePng', () => decode(bytes, options));
}

function decode(bytes: Uint8Array, options: DecodePngOptions): DecodedPng {
  checkBytes(bytes);
  const scanned = scanPng(bytes, checkMaxPixels(options));
  const { header, compressed, compressedName, text } = scanned;
  const { width, height } = header;
  const passes = passesOf(header);
  const scanlines = inflateExactly(compressedName, compressed, scanlineBytes(passes));

  const map = colourMap(scanned);
  const data = allocatePngBytes('pixels', width * height * 4);
  const scratch = allocatePngBytes('row', header.depth < 8 ? width : 0);
  const buffers = { output: data, scratch };
  let passStart = 0;
  for (const pass of passes) {
    const passEnd = passStart + pass.height * (1 + pass.rowBytes);
    const lines = scanlines.subarray(passStart, passEnd);
    for (const band of unfilterBands(header, pass, lines)) {
      const { columns, firstRow, rowCount, rows } = band;
      const rowLength = rows.length / rowCount;
      for (let y = 0; y < rowCount; y++) {
        const row = rows.subarray(y * rowLength, (y + 1) * rowLength);
        placeRow(map, columns, firstRow + y, row, buffers);
      }
    }
    passStart = passEnd;
  }
  return { width, height, data, text };
}

function checkMaxPixels(options: unknown): number {
  if (typeof options !== 'object' || options === null) {
    throw expected('ARG', 'options', 'an object { maxPixels }', describe(options));
  }
  const { maxPixels = DEFAULT_MAX_PIXELS } = options as { maxPixels?: unknown };
  if (
    typeof maxPixels !== 'number' ||
    !Number.isInteger(maxPixels) ||
    maxPixels < 1 ||
    maxPixels > MAX_PIXELS_LIMIT
  ) {
    const rule = `a whole number from 1 to ${MAX_PIXELS_LIMIT}`;
    throw expected('ARG', 'maxPixels', rule, describe(maxPixels));
  }
  return maxPixels;
}
