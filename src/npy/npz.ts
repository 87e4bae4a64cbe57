import { inside } from '../errors.ts';
import type { StoredTensor } from '../numbers/stored.ts';
import { readNumbersZip } from '../zip/read-zip.ts';
import { readNpy } from './npy.ts';

const ENDING = '.npy';
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
  for (const [name, entry] of readNumbersZip(bytes, SMALL_BYTES)) {
    if (!name.endsWith(ENDING)) continue;
    arrays.set(name.slice(0, -ENDING.length), () => inside(name, () => readNpy(entry.read())));
  }
  return arrays;
}
