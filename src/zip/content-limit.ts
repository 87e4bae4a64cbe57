/** The maximum size of unpacked numbers, in sizes of the file. Floats hardly deflate. */
const MAX_RATIO = 64;

/**
 * Returns the maximum size of all contents of a packed file of numbers, in bytes.
 *
 * @param smallBytes  the size that the contents of any file may have
 */
export const contentLimit = (bytes: Uint8Array, smallBytes = 0): number =>
  Math.max(smallBytes, MAX_RATIO * bytes.length);
