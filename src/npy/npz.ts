import { inCall, inside } from '../errors.ts';
import type { StoredTensor } from '../numbers/stored.ts';
import { firstEntryName } from '../zip/first-bytes.ts';
import { readZip } from '../zip/read-zip.ts';
import { readNpy } from './npy.ts';

const ENDING = '.npy';

/**
 * Returns true for the first bytes of a file of `numpy.savez`: an archive whose first entry is an
 * array.
 */
export function isNpz(bytes: Uint8Array): boolean {
  return firstEntryName(bytes)?.endsWith(ENDING) === true;
}

/**
 * Reads a file of `numpy.savez` or `savez_compressed`. Entries that are not arrays are left out.
 *
 * @returns the arrays by their names without `.npy`. Each is read, and its checksum checked, when
 *   its function is called, which throws the errors of `readNpy` and INTEGRITY.
 * @throws TaesdError as `readZip`
 */
export function readNpz(bytes: Uint8Array): ReadonlyMap<string, () => StoredTensor> {
  return inCall('readNpz', () => {
    const arrays = new Map<string, () => StoredTensor>();
    for (const [name, entry] of readZip(bytes)) {
      if (!name.endsWith(ENDING)) continue;
      arrays.set(name.slice(0, -ENDING.length), () => inside(name, () => readNpy(entry.read())));
    }
    return arrays;
  });
}
