import { zlibSync } from 'fflate';
import { joined } from '../png/joined.ts';
import { PNG_SIGNATURE } from '../png/signature.ts';
import { headerChunk, pngChunk, textChunk } from '../png/write-chunks.ts';

/*
 * Stands in for fast-png in the files that hold the whole package: it writes the bytes that
 * fast-png writes, for the pictures of `encodePng` alone. fast-png and its buffers would be 3 kB.
 */

/** A picture whose size, data and texts were checked. */
interface CheckedPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly channels: 3 | 4;
  readonly text: Readonly<Record<string, string>>;
}

/** The compression level that fast-png uses. */
const LEVEL = 3;

/** Writes rows without filters in one IDAT chunk, and the texts behind it. */
export function encode({ width, height, data, channels, text }: CheckedPicture): Uint8Array {
  const rowBytes = width * channels;
  const rows = new Uint8Array(height * (rowBytes + 1));
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  }
  return joined([
    Uint8Array.from(PNG_SIGNATURE),
    headerChunk(width, height, channels),
    pngChunk('IDAT', zlibSync(rows, { level: LEVEL })),
    ...Object.entries(text).map(([keyword, value]) => textChunk(keyword, value)),
    pngChunk('IEND'),
  ]);
}
