/** The remainder of each byte by the CRC-32 polynomial, made by the first call of `crc32`. */
let crcTable: Uint32Array | undefined;

/** Computes the table as the sample code of PNG's annex D does. */
const makeCrcTable = (): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 1 ? 0xedb88320 ^ (remainder >>> 1) : remainder >>> 1;
    }
    return remainder;
  });

/**
 * Returns the CRC-32 of `bytes[start, end)` as an unsigned number. PNG chunks and zip entries have
 * one.
 * Source: https://www.w3.org/TR/png-3/#5CRC-algorithm
 */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  crcTable ??= makeCrcTable();
  const table = crcTable;
  let crc = 0xffffffff;
  for (let i = start; i < end; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The largest prime below 2¹⁶: Adler-32's modulus. */
const ADLER_BASE = 65521;
/** The maximum number of bytes to add before the second sum could pass 2³²: zlib's NMAX. */
const ADLER_RUN = 5552;

/**
 * Returns the Adler-32 of all bytes as an unsigned number. Every zlib stream ends with the Adler-32
 * of its content.
 * Source: RFC 1950, section 8.2.
 */
export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += ADLER_RUN) {
    const end = Math.min(start + ADLER_RUN, bytes.length);
    for (let i = start; i < end; i++) {
      low += bytes[i];
      high += low;
    }
    low %= ADLER_BASE;
    high %= ADLER_BASE;
  }
  return ((high << 16) | low) >>> 0;
}

/** Writes a checksum for error messages: `0x0000abcd`. */
export const checksumText = (sum: number): string => `0x${sum.toString(16).padStart(8, '0')}`;
