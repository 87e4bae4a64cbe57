import { expected } from '../errors.ts';
import { AVERAGE, NONE, PAETH, SUB } from './filter.ts';
import type { PngHeader } from './header.ts';
import type { Pass } from './passes.ts';
import { unfilterLines } from './unfilter-lines.ts';

/** Unfiltered rows, or a piece of one very wide row. */
export interface UnfilteredRows {
  /** The pass. For a piece, a pass of the piece's columns only. */
  readonly columns: Pass;
  /** The number of the first row within the pass. */
  readonly firstRow: number;
  readonly rowCount: number;
  /**
   * Row after row, without filter bytes. At depths 8 and 16 an element is one sample. At lower
   * depths samples are packed, and each row is padded to whole bytes.
   */
  readonly rows: Uint8Array | Uint16Array;
}

/**
 * The maximum number of bytes of a band, besides the row above it. fast-png holds five copies of
 * its input, so it never gets the whole picture.
 */
const BAND_BYTES = 2 ** 17;

/**
 * Undoes the row filters of one pass, band by band. Rows wider than a band are undone in pieces.
 *
 * A row needs the unfiltered row above it. So each band but the first begins with that row, marked
 * as unfiltered.
 *
 * @param scanlines  the pass's rows as inflated: height × (1 + rowBytes) bytes; wide rows are
 *   overwritten
 * @throws TaesdError FORMAT (filter byte above 4), OOM
 */
export function* unfilterBands(
  header: PngHeader,
  pass: Pass,
  scanlines: Uint8Array,
): Generator<UnfilteredRows> {
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
    const decoded = unfilterLines(header, pass.width, lineCount, all);

    const rowLength = decoded.length / lineCount;
    const rows = above === undefined ? decoded : decoded.subarray(rowLength);
    above = toFileBytes(decoded.subarray(decoded.length - rowLength));
    yield { columns: pass, firstRow, rowCount, rows };
  }
}

/**
 * Undoes the filter of one row in pieces. Each piece becomes a picture of two rows: the unfiltered
 * piece above and the piece itself. Filters also use the pixel to the left, so each piece but the
 * first begins with that pixel, filtered so that it unfilters to its known value:
 *
 *              ┌─────────┬───────────────────┐
 *     filter 0 │ pixel   │ piece above       │
 *     filter f │ pixel*  │ piece as it is    │   pixel* unfilters to the last piece's last pixel
 *              └─────────┴───────────────────┘
 *
 * The unfiltered bytes replace the filtered ones in `scanlines`, as the row above the next row.
 */
function* unfilterWideRow(
  header: PngHeader,
  pass: Pass,
  scanlines: Uint8Array,
  row: number,
): Generator<UnfilteredRows> {
  const { rowBytes } = pass;
  const pixelBits = header.channels * header.depth;
  // Filters work on whole bytes, so a pixel counts as at least one.
  const pixelBytes = Math.ceil(pixelBits / 8);
  const pieceBytes = Math.floor(BAND_BYTES / 2 / pixelBytes) * pixelBytes;
  const lineAt = row * (1 + rowBytes);
  const filter = scanlines[lineAt];
  const current = scanlines.subarray(lineAt + 1, lineAt + 1 + rowBytes);
  // The row above the first is all 0, which an empty array stands for.
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
    const decoded = unfilterLines(header, width, 2, lines);
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

/** Filters a byte of a row's first pixel. Left and upper left are 0; so Paeth chooses `above`. */
function firstPixelFiltered(filter: number, value: number, above: number): number {
  if (filter === NONE || filter === SUB) return value;
  return filter === AVERAGE ? value - (above >> 1) : value - above;
}

function checkFilterBytes(pass: Pass, scanlines: Uint8Array): void {
  for (let row = 0; row < pass.height; row++) {
    const filter = scanlines[row * (1 + pass.rowBytes)];
    if (filter <= PAETH) continue;
    const ofPass = pass.number === 0 ? '' : ` of Adam7 pass ${pass.number}`;
    const what = `filter of row ${row}${ofPass}`;
    throw expected('FORMAT', what, `0 to ${PAETH}`, `${filter}`);
  }
}

/** Puts the row above, with filter 0 (none), before the band's own lines. */
function prepend(above: Uint8Array, lines: Uint8Array): Uint8Array {
  const all = new Uint8Array(1 + above.length + lines.length);
  all.set(above, 1);
  all.set(lines, 1 + above.length);
  return all;
}

/** Returns samples as PNG stores them: 16-bit samples with the high byte first. */
function toFileBytes(row: Uint8Array | Uint16Array): Uint8Array {
  if (row instanceof Uint8Array) return row;
  const bytes = new Uint8Array(row.length * 2);
  for (let i = 0; i < row.length; i++) {
    bytes[2 * i] = row[i] >> 8;
    bytes[2 * i + 1] = row[i];
  }
  return bytes;
}
