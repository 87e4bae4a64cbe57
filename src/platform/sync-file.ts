import type { FileHandle } from 'node:fs/promises';
import { NOT_ALLOWED, systemCode } from './system-errors.ts';

/**
 * Waits until the bytes of a file are on the disk, so that its name does not outlive a power cut
 * without them. Node's permission model forbids this from Node 26 on, and no flag permits it. The
 * bytes are then written all the same.
 *
 * @throws the system's errors, such as those of a full disk
 */
export async function syncFile(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    if (systemCode(error) !== NOT_ALLOWED) throw error;
  }
}
