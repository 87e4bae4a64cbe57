import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { allocateBytes } from '../allocate.ts';

/*
 * Regular files of Node, Deno and Bun. A name in a folder may also lead to a pipe, whose opening
 * waits for a writer, to a device, which may not end, or to a file of any size.
 */

/** The thing that a name in a folder leads to. */
export interface FoundFile {
  /** In words, a thing that is not a regular file: `a pipe`. Undefined for a file. */
  readonly otherKind: string | undefined;
  readonly size: number;
  /** Undefined if it is not a regular file, or is larger than the limit. Nothing is read then. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Reads a regular file. Links to one are followed. It never waits for a writer.
 *
 * @param maxBytes  a larger file is not read
 * @throws the system's errors; TaesdError OOM
 */
export async function readRegularFile(path: string | URL, maxBytes: number): Promise<FoundFile> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  // Some devices act when they are opened.
  let found = await process.getBuiltinModule('node:fs/promises').stat(path);
  if (found.isFile()) {
    // Another program may put a pipe there meanwhile.
    const file = await openWithoutWaiting(path);
    try {
      found = await file.stat();
      if (found.isFile() && found.size <= maxBytes) bytes = await readBytes(file, found.size);
    } finally {
      await file.close();
    }
  }
  return { otherKind: otherKindOf(found), size: found.size, bytes };
}

/**
 * Opens a file, or a pipe that has no writer yet.
 *
 * @param flags  those of `open` in C. Defaults to O_RDONLY, which is 0
 * @throws the system's errors
 */
export function openWithoutWaiting(path: string | URL, flags = 0): Promise<FileHandle> {
  const fs = process.getBuiltinModule('node:fs/promises');
  // Windows lacks the flag, which counts as 0.
  return fs.open(path, flags | fs.constants.O_NONBLOCK);
}

/** Returns in words a thing that is not a regular file: `a pipe`. Undefined for a file. */
export function otherKindOf(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
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
