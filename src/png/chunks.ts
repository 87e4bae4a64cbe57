import { checksumText, crc32 } from '../checksums.ts';
import { expected } from '../errors.ts';
import { hexText } from '../first-bytes.ts';
import { CHUNK_OVERHEAD, readUint32 } from './layout.ts';

/** A chunk of a file. Its data may reach past the end of the file. */
export interface Chunk {
  readonly type: string;
  /** The offset of its length field. */
  readonly start: number;
  /** The offset after its checksum. */
  readonly end: number;
  /** The number of bytes of its data. */
  readonly length: number;
  /** Its name in messages: type and offset. */
  readonly name: string;
}

/** Reads length and type of the chunk at `offset`, where at least 8 bytes are. */
export function looseChunkAt(bytes: Uint8Array, offset: number): Chunk {
  const length = readUint32(bytes, offset);
  const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  const name = `${type} at byte ${offset}`;
  return { type, start: offset, end: offset + CHUNK_OVERHEAD + length, length, name };
}

/**
 * Reads length and type of the chunk at `offset`, and checks them.
 * Source: https://www.w3.org/TR/png-3/#5Chunk-layout
 *
 * @throws TaesdError TRUNCATED (no chunk there), FORMAT (no type, or a length from 2³¹ on)
 */
export function chunkAt(bytes: Uint8Array, offset: number): Chunk {
  if (offset + 8 > bytes.length) {
    const what = `chunk at byte ${offset}`;
    const got = `${bytes.length - offset} bytes up to the end of the file`;
    throw expected('TRUNCATED', what, 'chunks up to IEND', got, { hint: 'the file is cut off' });
  }
  const chunk = looseChunkAt(bytes, offset);
  const { type, name, length } = chunk;
  if (!/^[A-Za-z]{4}$/.test(type)) {
    const what = `chunk at byte ${offset}`;
    const got = `bytes ${hexText(bytes.subarray(offset + 4, offset + 8))}`;
    throw expected('FORMAT', what, 'a type of four letters', got, { hint: 'damaged file?' });
  }
  if (length >= 2 ** 31) {
    throw expected('FORMAT', name, 'a length below 2147483648', `${length}`);
  }
  return chunk;
}

/** Checks that a chunk ends inside the file. @throws TaesdError TRUNCATED */
export function checkInside({ start, end, length, name }: Chunk, fileLength: number): void {
  if (end <= fileLength) return;
  const got = `${fileLength - start - 8} bytes up to the end of the file`;
  const rule = `${length} bytes of data and 4 of checksum`;
  throw expected('TRUNCATED', name, rule, got, { hint: 'the file is cut off' });
}

export const dataOf = (bytes: Uint8Array, { start, end }: Chunk): Uint8Array =>
  bytes.subarray(start + 8, end - 4);

/** Returns true if the checksum of a chunk matches. */
export const checksumHolds = (bytes: Uint8Array, { start, end }: Chunk): boolean =>
  readUint32(bytes, end - 4) === crc32(bytes, start + 4, end - 4);

/** Checks the checksum of a chunk. @throws TaesdError INTEGRITY */
export function checkChecksum(bytes: Uint8Array, { start, end, name }: Chunk): void {
  const stored = readUint32(bytes, end - 4);
  const computed = crc32(bytes, start + 4, end - 4);
  if (stored === computed) return;
  const rule = `CRC-32 ${checksumText(computed)}`;
  throw expected('INTEGRITY', name, rule, checksumText(stored), { hint: 'damaged file?' });
}
