import { checkLive, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { allocateBytes } from './allocate.ts';
import { DEFAULT_MAX_PIXELS, HIGHEST_MAX_PIXELS } from './header.ts';
import { inflateExactly } from './inflate.ts';
import { passesOf, scanlineBytes } from './passes.ts';
import { colourMap, placeRow } from './pixels.ts';
import { scanPng } from './scan.ts';
import { unfilterBands } from './unfilter.ts';

/** A picture and the texts beside it, as `decodePng` gives them. */
export interface DecodedPng {
  readonly width: number;
  readonly height: number;
  /** RGBA, u8 [height][width][4], row-major; alpha is straight (not multiplied in). */
  readonly data: Uint8Array;
  /** The texts of tEXt chunks by keyword, up to 64 KiB each, 256 of them and 1 MiB in all. */
  readonly text: ReadonlyMap<string, string>;
}

/** What `decodePng` takes beside the file. */
export interface DecodePngOptions {
  /** The most width × height accepted, 1 to 2²⁹; 2²⁷ unless given. */
  readonly maxPixels?: number;
}

/**
 * Decodes a PNG file of any legal colour type, depth and interlacing to 8-bit RGBA.
 *
 * Samples of other depths are rounded to the nearest of 256 levels: round(v·255 / (2^depth − 1)).
 * tRNS becomes alpha. Gamma and colour profiles are not applied; of an animated PNG the still
 * picture is read. The header is believed only as far as the compressed data could bear it out, so
 * memory stays in proportion to the input. The input is not changed and not kept.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param bytes    the whole file; a subarray at any offset is fine
 * @param options  `maxPixels`
 * @throws TaesdError FORMAT (not a PNG, or against its rules), TRUNCATED (cut off), INTEGRITY (a
 *   checksum does not match), UNSUPPORTED (another picture type; a method or chunk unknown to PNG),
 *   LIMIT (more than `maxPixels`, or more data than the header says), ARG, OOM
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
  const data = allocateBytes('pixels', width * height * 4);
  const scratch = allocateBytes('row', header.depth < 8 ? width : 0);
  let passStart = 0;
  for (const pass of passes) {
    const passEnd = passStart + pass.height * (1 + pass.rowBytes);
    const lines = scanlines.subarray(passStart, passEnd);
    for (const band of unfilterBands(header, pass, lines)) {
      const { columns, firstRow, rowCount, rows } = band;
      const rowLength = rows.length / rowCount;
      for (let y = 0; y < rowCount; y++) {
        const row = rows.subarray(y * rowLength, (y + 1) * rowLength);
        placeRow(map, columns, firstRow + y, row, data, scratch);
      }
    }
    passStart = passEnd;
  }
  return { width, height, data, text };
}

function checkBytes(bytes: unknown): void {
  if (!(bytes instanceof Uint8Array)) {
    throw expected('ARG', 'bytes', 'a Uint8Array', describe(bytes));
  }
  checkLive('bytes', bytes);
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
    maxPixels > HIGHEST_MAX_PIXELS
  ) {
    const rule = `a whole number from 1 to ${HIGHEST_MAX_PIXELS}`;
    throw expected('ARG', 'maxPixels', rule, describe(maxPixels));
  }
  return maxPixels;
}
