import { decode } from 'fast-png';
import { zlibSync } from 'fflate';
import { expected } from '../errors.ts';
import { outOfMemory } from './allocate.ts';
import type { PngHeader } from './header.ts';
import type { Pass } from './passes.ts';
import { PNG_SIGNATURE } from './signature.ts';

/** Rows whose filters are undone. */
export interface Band {
  /** The pass's row that `rows` begins with. */
  readonly firstRow: number;
  readonly rowCount: number;
  /**
   * Row after row, without filter bytes: at depth 16 one element a sample, at depth 8 one byte a
   * sample, below it packed samples, each row padded to whole bytes.
   */
  readonly rows: Uint8Array | Uint16Array;
}

/** Rows are handed to fast-png in bands of about 128 KiB, since it holds what it is given five times. */
const BAND_BYTES = 2 ** 17;
const HIGHEST_FILTER = 4;

/**
 * Undoes the row filters of one pass, a band of rows at a time.
 *
 * fast-png does the arithmetic. It is given small pictures that cannot go wrong: three chunks, no
 * interlacing (its Adam7 is wrong below depth 8), pixels stored and not compressed. A row needs the
 * unfiltered row above it, so each band but the first begins with that one, marked as unfiltered.
 * Source: https://www.w3.org/TR/png-3/#9Filters
 *
 * @param scanlines  the pass's rows as inflated: height × (1 + rowBytes) bytes
 * @throws TaesdError FORMAT (filter byte above 4), OOM
 */
export function* unfilterBands(
  where: string,
  header: PngHeader,
  pass: Pass,
  scanlines: Uint8Array,
): Generator<Band> {
  const lineBytes = 1 + pass.rowBytes;
  checkFilterBytes(where, pass, scanlines);
  const bandRows = Math.max(1, Math.floor(BAND_BYTES / lineBytes));
  let above: Uint8Array | undefined;

  for (let firstRow = 0; firstRow < pass.height; firstRow += bandRows) {
    const rowCount = Math.min(bandRows, pass.height - firstRow);
    const lines = scanlines.subarray(firstRow * lineBytes, (firstRow + rowCount) * lineBytes);
    const all = above === undefined ? lines : prepend(above, lines);
    const lineCount = all.length / lineBytes;
    const decoded = unfilter(where, header, pass.width, lineCount, all);

    const rowLength = decoded.length / lineCount;
    const rows = above === undefined ? decoded : decoded.subarray(rowLength);
    above = toFileBytes(decoded.subarray(decoded.length - rowLength));
    yield { firstRow, rowCount, rows };
  }
}

function checkFilterBytes(where: string, pass: Pass, scanlines: Uint8Array): void {
  for (let row = 0; row < pass.height; row++) {
    const filter = scanlines[row * (1 + pass.rowBytes)];
    if (filter <= HIGHEST_FILTER) continue;
    const ofPass = pass.number === 0 ? '' : ` of Adam7 pass ${pass.number}`;
    const what = `filter of row ${row}${ofPass}`;
    throw expected('FORMAT', where, what, `0 to ${HIGHEST_FILTER}`, `${filter}`);
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
  where: string,
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
    if (cause instanceof RangeError) throw outOfMemory(where, 'rows', `${height} rows`, cause);
    const got = cause instanceof Error ? cause.message : String(cause);
    throw expected('FORMAT', where, 'rows', 'rows that fast-png can unfilter', got, undefined, {
      cause,
    });
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
