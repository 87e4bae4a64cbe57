import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { allocateBytes } from '../allocate.ts';

/*
 * Regular files of Node, Deno and Bun. A name in a folder may also lead to a pipe, whose opening
 * waits for a writer, to a device, which may not end, or to a file of any size.
 */

/** A name in a folder, and the bytes under it. */
export interface FoundFile {
  readonly found: Stats;
  /** Undefined if it is not a regular file, or is larger than the limit. Nothing is read then. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Reads a regular file. Links to one are followed. Nothing is waited for.
 *
 * @param maxBytes  a larger file is not read
 * @throws the system's errors; TaesdError OOM
 */
export async function readRegularFile(path: string | URL, maxBytes: number): Promise<FoundFile> {
  const { constants, open, stat } = process.getBuiltinModule('node:fs/promises');
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  // Some devices act when they are opened.
  let found = await stat(path);
  if (found.isFile()) {
    // Another program may put a pipe there meanwhile. Windows lacks the flag, which counts as 0.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      found = await file.stat();
      if (found.isFile() && found.size <= maxBytes) bytes = await readBytes(file, found.size);
    } finally {
      await file.close();
    }
  }
  return { found, bytes };
}

/** Reads the first bytes of an open file: `length`, or fewer if it is shorter. */
export async function readBytes(
  file: FileHandle,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocateBytes('file', length);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, at);
    at += bytesRead;
    if (bytesRead === 0 || at === length) return bytes.subarray(0, at);
  }
}
