/** Bytes of a chunk around its data: length, type, CRC-32. */
export const CHUNK_OVERHEAD = 12;

/** Reads a big-endian unsigned 32-bit number. All numbers in PNG are big-endian. */
export const readUint32 = (bytes: Uint8Array, offset: number): number =>
  bytes[offset] * 2 ** 24 +
  ((bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3]);
