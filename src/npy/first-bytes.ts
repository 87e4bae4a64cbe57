import { startsWith } from '../first-bytes.ts';
import { firstEntryName } from '../zip/first-bytes.ts';

export const MAGIC = '\x93NUMPY';

/** Returns true for the first bytes of a file of `numpy.save`. */
export const isNpy = (bytes: Uint8Array): boolean => startsWith(bytes, MAGIC);

/**
 * Returns true for the first bytes of a file of `numpy.savez`: an archive whose first entry is an
 * array.
 */
export const isNpz = (bytes: Uint8Array): boolean =>
  firstEntryName(bytes)?.endsWith('.npy') === true;
