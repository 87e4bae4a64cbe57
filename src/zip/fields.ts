/*
 * The numbers of a zip archive: little-endian, at any offset. A caller checks first that the bytes
 * are there.
 */

/** Reads 2 bytes. */
export const readU16 = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8);

/** Reads 4 bytes. */
export const readU32 = (bytes: Uint8Array, at: number): number =>
  (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;

/**
 * Reads 8 bytes. Numbers from 2⁵³ on are rounded. Such a number lies past the end of any file, so
 * the rounding changes no check.
 */
export const readU64 = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at) + readU32(bytes, at + 4) * 2 ** 32;

/** The value of a field of 2 bytes whose number stands in a zip64 record. */
export const MAX_U16 = 0xffff;

/** The value of a field of 4 bytes whose number stands in a zip64 record. */
export const MAX_U32 = 0xffffffff;
