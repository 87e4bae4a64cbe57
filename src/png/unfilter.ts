import { decode } from 'fast-png';
import { zlibSync } from 'fflate';
import { expected, messageOf } from '../errors.ts';
import { outOfMemory } from './allocate.ts';
import type { PngHeader } from './header.ts';
import type { Pass } from './passes.ts';
import { PNG_SIGNATURE } from './signature.ts';

/** Rows, or of a very wide one a piece, whose filters are undone. */
export interface Band {
  /** The columns of the pass that are in it: the pass itself, or one as narrow as the piece. */
  readonly columns: Pass;
  /** The pass's row that `rows` begins with. */
  readonly firstRow: number;
  readonly rowCount: number;
  /**
   * Row after row, without filter bytes: at depth 16 one element a sample, at depth 8 one byte a
   * sample, below it packed samples, each row padded to whole bytes.
   */
  readonly rows: Uint8Array | Uint16Array;
}

/**
 * Rows are handed to fast-png in bands of at most 128 KiB beside the row above, since it holds what it is given five
 * times.
 */
const BAND_BYTES = 2 ** 17;
/** The filters by their number; 2 and 4 are Up and Paeth. */
const NONE = 0;
const SUB = 1;
const AVERAGE = 3;
const HIGHEST_FILTER = 4;

/**
 * Undoes the row filters of one pass, a band of rows at a time, and rows wider than a band piece by piece.
 *
 * fast-png does the arithmetic. It is given small pictures that cannot go wrong: three chunks, no
 * interlacing (its Adam7 is wrong below depth 8), pixels stored and not compressed. A row needs the
 * unfiltered row above it, so each band but the first begins with that one, marked as unfiltered.
 * Source: https://www.w3.org/TR/png-3/#9Filters
 *
 * @param scanlines  the pass's rows as inflated: height × (1 + rowBytes) bytes; wide rows are overwritten
 * @throws TaesdError FORMAT (filter byte above 4), OOM
 */
export function* unfilterBands(
  header: PngHeader,
  pass: Pass,
  scanlines: Uint8Array,
): Generator<Band> {
  const lineBytes = 1 + pass.rowBytes;
  checkFilterBytes(pass, scanlines);
  if (lineBytes > BAND_BYTES) {
    for (let row = 0; row < pass.height; row++) {
      yield* unfilterWideRow(header, pass, scanlines, row);
    }
    return;
  }
  const bandRows = Math.floor(BAND_BYTES / lineBytes);
  let above: Uint8Array | undefined;

  for (let firstRow = 0; firstRow < pass.height; firstRow += bandRows) {
    const rowCount = Math.min(bandRows, pass.height - firstRow);
    const lines = scanlines.subarray(firstRow * lineBytes, (firstRow + rowCount) * lineBytes);
    const all = above === undefined ? lines : prepend(above, lines);
    const lineCount = all.length / lineBytes;
    const decoded = unfilter(header, pass.width, lineCount, all);

    const rowLength = decoded.length / lineCount;
    const rows = above === undefined ? decoded : decoded.subarray(rowLength);
    above = toFileBytes(decoded.subarray(decoded.length - rowLength));
    yield { columns: pass, firstRow, rowCount, rows };
  }
}

/**
 * Undoes the filter of one row in pieces, each as a picture of two rows: the piece above, unfiltered, and the piece. A
 * filter looks at the pixel to the left too, so all pieces but the first begin with that pixel, filtered by its rule:
 *
 *              ┌─────────┬───────────────────┐
 *     filter 0 │ pixel   │ piece above       │
 *     filter f │ pixel*  │ piece as it is    │   pixel* unfilters to the one that the last piece ended with
 *              └─────────┴───────────────────┘
 *
 * The unfiltered bytes take the place of the filtered ones in `scanlines`: they are the next row's row above.
 */
function* unfilterWideRow(
  header: PngHeader,
  pass: Pass,
  scanlines: Uint8Array,
  row: number,
): Generator<Band> {
  const { rowBytes } = pass;
  const pixelBits = header.channels * header.depth;
  // As the filters see it: at least a byte.
  const pixelBytes = Math.ceil(pixelBits / 8);
  const pieceBytes = Math.floor(BAND_BYTES / 2 / pixelBytes) * pixelBytes;
  const lineAt = row * (1 + rowBytes);
  const filter = scanlines[lineAt];
  const current = scanlines.subarray(lineAt + 1, lineAt + 1 + rowBytes);
  // Above the first row all is 0, for which there need be no bytes.
  const above = scanlines.subarray(Math.max(0, lineAt - rowBytes), lineAt);

  for (let begin = 0; begin < rowBytes; begin += pieceBytes) {
    const end = Math.min(rowBytes, begin + pieceBytes);
    const left = begin === 0 ? 0 : pixelBytes;
    const lines = new Uint8Array(2 * (1 + left + end - begin));
    const second = lines.length / 2;
    lines.set(above.subarray(begin - left, end), 1);
    lines[second] = filter;
    for (let i = 1; i <= left; i++) {
      lines[second + i] = firstPixelFiltered(filter, current[begin - left + i - 1], lines[i]);
    }
    lines.set(current.subarray(begin, end), second + 1 + left);

    const width = Math.floor(((left + end - begin) * 8) / pixelBits);
    const decoded = unfilter(header, width, 2, lines);
    const samplesOfLeft = left / decoded.BYTES_PER_ELEMENT;
    const rows = decoded.subarray(decoded.length / 2 + samplesOfLeft);
    current.set(toFileBytes(rows), begin);
    const firstColumn = (begin * 8) / pixelBits;
    const columns = {
      ...pass,
      firstX: pass.firstX + firstColumn * pass.stepX,
      width: Math.min(pass.width - firstColumn, Math.floor(((end - begin) * 8) / pixelBits)),
    };
    yield { columns, firstRow: row, rowCount: 1, rows };
  }
}

/** A byte of a row's first pixel, to whose left and upper left all is 0, filtered. Paeth's choice is the one above. */
function firstPixelFiltered(filter: number, value: number, above: number): number {
  if (filter === NONE || filter === SUB) return value;
  return filter === AVERAGE ? value - (above >> 1) : value - above;
}

function checkFilterBytes(pass: Pass, scanlines: Uint8Array): void {
  for (let row = 0; row < pass.height; row++) {
    const filter = scanlines[row * (1 + pass.rowBytes)];
    if (filter <= HIGHEST_FILTER) continue;
    const ofPass = pass.number === 0 ? '' : ` of Adam7 pass ${pass.number}`;
    const what = `filter of row ${row}${ofPass}`;
    throw expected('FORMAT', what, `0 to ${HIGHEST_FILTER}`, `${filter}`);
  }
}

/** The row above, with filter 0 (none), before the band's own lines. */
function prepend(above: Uint8Array, lines: Uint8Array): Uint8Array {
  const all = new Uint8Array(1 + above.length + lines.length);
  all.set(above, 1);
  all.set(lines, 1 + above.length);
  return all;
}

/** Samples as PNG stores them: 16-bit ones with the high byte first. */
function toFileBytes(row: Uint8Array | Uint16Array): Uint8Array {
  if (row instanceof Uint8Array) return row;
  const bytes = new Uint8Array(row.length * 2);
  for (let i = 0; i < row.length; i++) {
    bytes[2 * i] = row[i] >> 8;
    bytes[2 * i + 1] = row[i];
  }
  return bytes;
}

function unfilter(
  header: PngHeader,
  width: number,
  height: number,
  lines: Uint8Array,
): Uint8Array | Uint16Array {
  try {
    const { data } = decode(minimalPng(header, width, height, lines));
    // The decoder's type allows for a clamped array, which it never makes.
    return data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer) : data;
  } catch (cause) {
    if (cause instanceof RangeError) throw outOfMemory('rows', `${height} rows`, cause);
    const got = messageOf(cause);
    throw expected('FORMAT', 'rows', 'rows that fast-png can unfilter', got, { cause });
  }
}

/** Signature, IHDR, one IDAT, IEND. The checksums stay 0: fast-png reads past them. */
function minimalPng(
  { depth, colourType }: PngHeader,
  width: number,
  height: number,
  lines: Uint8Array,
): Uint8Array {
  const stored = zlibSync(lines, { level: 0 });
  const bytes = new Uint8Array(8 + 25 + 12 + stored.length + 12);
  const view = new DataView(bytes.buffer);
  const putChunk = (offset: number, length: number, type: string): number => {
    view.setUint32(offset, length);
    for (let i = 0; i < 4; i++) view.setUint8(offset + 4 + i, type.charCodeAt(i));
    return offset + 8;
  };
  bytes.set(PNG_SIGNATURE);
  const ihdrData = putChunk(8, 13, 'IHDR');
  view.setUint32(ihdrData, width);
  view.setUint32(ihdrData + 4, height);
  bytes.set([depth, colourType], ihdrData + 8);
  bytes.set(stored, putChunk(33, stored.length, 'IDAT'));
  putChunk(bytes.length - 12, 0, 'IEND');
  return bytes;
}
