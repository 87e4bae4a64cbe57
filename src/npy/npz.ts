import { inside } from '../errors.ts';
import type { StoredTensor } from '../numbers/stored.ts';
import { readNumbersZip } from '../zip/read-zip.ts';
import { readNpy, readNumbers } from './npy.ts';

const ENDING = '.npy';
/** The size that all contents may have in any file. */
const SMALL_BYTES = 2 ** 24;
/** The maximum number of entries. Caches of latents have a few for each resolution. */
const MAX_ENTRIES = 2 ** 14;

/** An array of an archive. */
export interface NpzArray {
  /** Reads the array and checks its checksum. @throws TaesdError as `readNpy`, INTEGRITY */
  readonly read: () => StoredTensor;
  /** Like `read`, but returns undefined for a type that is not of numbers. */
  readonly readNumbers: () => StoredTensor | undefined;
}

/**
 * Reads a file of `numpy.savez` or `savez_compressed`. Entries that are not arrays are left out.
 *
 * @returns the arrays by their names without `.npy`. Each is read when its functions are called.
 * @throws TaesdError as `readZip`; LIMIT (over 16,384 entries)
 */
export function readNpz(bytes: Uint8Array): ReadonlyMap<string, NpzArray> {
  const arrays = new Map<string, NpzArray>();
  for (const [name, entry] of readNumbersZip(bytes, MAX_ENTRIES, SMALL_BYTES)) {
    if (!name.endsWith(ENDING)) continue;
    arrays.set(name.slice(0, -ENDING.length), {
      read: () => inside(name, () => readNpy(entry.read())),
      readNumbers: () => inside(name, () => readNumbers(entry.read())),
    });
  }
  return arrays;
}
