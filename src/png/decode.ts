import { checkMaxPixels } from '../checks.ts';
import type { ColourSpace } from '../colour/index.ts';
import { expected, TaesdError } from '../errors.ts';
import { allocatePngBytes } from './allocate.ts';
import { PAETH } from './filter.ts';
import { DEFAULT_MAX_ROWS, type PngLimits } from './header.ts';
import { inflateExactly } from './inflate.ts';
import { type Pass, passesOf, scanlineBytes } from './passes.ts';
import { RowPlacer } from './pixels.ts';
import type { ScannedPng } from './scan.ts';
import { NO_ROW, unfilterRow } from './unfilter.ts';

/** Pixels as a file stores them: RGBA, u8 [height][width][4]. */
export interface StoredPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Decodes the pixels of a scanned file.
 *
 * @param scanned  its notes are added to
 * @param space    the space of its colours, which are converted to sRGB; undefined leaves them
 * @throws TaesdError FORMAT, TRUNCATED, INTEGRITY, OOM
 */
export function decodeScanned(scanned: ScannedPng, space: ColourSpace | undefined): StoredPixels {
  const { header, place, notes } = scanned;
  const { width, height } = header;
  const passes = passesOf({ ...header, width: place.width, height: place.height });
  const lines = inflatePixels(scanned, scanlineBytes(passes));
  const data = allocatePngBytes('pixels', width * height * 4);
  const placer = new RowPlacer(scanned, space, data);
  const pixelBytes = Math.max(1, (header.channels * header.depth) / 8);
  let at = 0;
  for (const pass of passes) {
    const to = (place.y + pass.firstY) * width + place.x + pass.firstX;
    placePass(pass, { lines, at, pixelBytes, to, width }, placer);
    at += pass.height * (1 + pass.rowBytes);
  }
  if (placer.largestIndex >= 0) {
    const rule = `palette indices below ${(scanned.palette?.length ?? 0) / 3}`;
    notes.add(`pixels are black: expected ${rule}, got ${placer.largestIndex}`);
  }
  return { width, height, data };
}

/**
 * Returns the limits that the option `maxPixels` means.
 *
 * @throws TaesdError ARG (not a whole number from 1 to 2²⁹)
 */
export function limitsOf(option: unknown): PngLimits {
  const maxPixels = checkMaxPixels(option);
  return { maxPixels, maxRows: option === undefined ? DEFAULT_MAX_ROWS : maxPixels };
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
  /** The number of the picture's pixel that the pass's first pixel is. */
  readonly to: number;
  /** The picture's width. */
  readonly width: number;
}

/** Undoes the filters of a pass, row by row, and places each row. */
function placePass(
  pass: Pass,
  { lines, at, pixelBytes, to: first, width }: PassRows,
  placer: RowPlacer,
): void {
  const { rowBytes, height, stepX, stepY } = pass;
  const lineBytes = 1 + rowBytes;
  placer.beginPass(pass.width, stepX);
  let above = NO_ROW;
  let to = first;
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
