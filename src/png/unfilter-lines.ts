import { decode } from 'fast-png';
import { zlibSync } from 'fflate';
import { expected, messageOf } from '../errors.ts';
import { outOfPngMemory } from './allocate.ts';
import type { PngHeader } from './header.ts';
import { PNG_SIGNATURE } from './signature.ts';

/**
 * Undoes the filters of rows with fast-png. fast-png gets a picture that leaves it nothing else to
 * do: three chunks, no interlacing (its Adam7 is wrong below depth 8), pixels stored uncompressed.
 * Source: https://www.w3.org/TR/png-3/#9Filters
 *
 * @param header  depth and colour type of the rows
 * @param width   in pixels
 * @param lines   u8 [height][1 + rowBytes]: each row with its filter byte
 * @returns the rows without filter bytes, as `UnfilteredRows` describes them
 * @throws TaesdError FORMAT (fast-png refuses the rows), OOM
 */
export function unfilterLines(
  header: PngHeader,
  width: number,
  height: number,
  lines: Uint8Array,
): Uint8Array | Uint16Array {
  try {
    const { data } = decode(minimalPng(header, width, height, lines));
    // fast-png's type allows a clamped array, but fast-png never returns one.
    return data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer) : data;
  } catch (cause) {
    if (cause instanceof RangeError) throw outOfPngMemory('rows', `${height} rows`, cause);
    const got = messageOf(cause);
    throw expected('FORMAT', 'rows', 'rows that fast-png can unfilter', got, { cause });
  }
}

/** Makes a file of signature, IHDR, one IDAT, IEND. Checksums stay 0; fast-png ignores them. */
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
