import { inside } from '../errors.ts';
import type { StoredTensor } from '../numbers/stored.ts';
import { checkTotal, readZip } from '../zip/read-zip.ts';
import { readNpy } from './npy.ts';

const ENDING = '.npy';
/** The maximum of all contents together, in sizes of the file. Floats hardly deflate. */
const MAX_RATIO = 64;
/** The size that all contents may have in any file. */
const SMALL_BYTES = 2 ** 24;

/**
 * Reads a file of `numpy.savez` or `savez_compressed`. Entries that are not arrays are left out.
 *
 * @returns the arrays by their names without `.npy`. Each is read, and its checksum checked, when
 *   its function is called, which throws the errors of `readNpy` and INTEGRITY.
 * @throws TaesdError as `readZip`
 */
export function readNpz(bytes: Uint8Array): ReadonlyMap<string, () => StoredTensor> {
  const arrays = new Map<string, () => StoredTensor>();
  const maxBytes = Math.max(SMALL_BYTES, MAX_RATIO * bytes.length);
  const entries = readZip(bytes, { maxBytes });
  checkTotal(entries, maxBytes);
  for (const [name, entry] of entries) {
    if (!name.endsWith(ENDING)) continue;
    arrays.set(name.slice(0, -ENDING.length), () => inside(name, () => readNpy(entry.read())));
  }
  return arrays;
}
