import { readFile } from 'node:fs/promises';
import { isMissing, systemReason } from '../../platform/system-errors.ts';
import { fault } from '../terminal/faults.ts';

/**
 * Reads a whole file.
 *
 * @param hint  for the message if there is no such file
 * @throws TaesdError ARG (the file cannot be read)
 */
export async function readInput(path: string, hint?: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = systemReason(cause);
    if (isMissing(cause)) throw fault(path, reason, { hint, cause });
    throw fault(path, 'cannot be read', { hint: reason, cause });
  }
}
