import { lstat, open, realpath, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { onOneLine } from '../../errors.ts';
import { syncFile } from '../../platform/sync-file.ts';
import { systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { outputTarget } from './link-target.ts';
import { notWritable, writing } from './not-writable.ts';
import { STREAM } from './read-input.ts';
import { withTemporary } from './temporary.ts';
import { writeStdout } from './write-stdout.ts';

/** Returns the name of an output for messages. */
export const outputName = (path: string): string => (path === STREAM ? 'stdout' : path);

/**
 * Checks before the long work that the result can be written. It creates a file beside the output
 * and removes it again.
 *
 * @param input  the file the command reads; the output must be another one
 * @throws TaesdError ARG (the output is the input, cannot be written, or is a terminal)
 */
export async function checkOutput(path: string, input: string): Promise<void> {
  if (path === STREAM) {
    checkStdout();
    return;
  }
  await checkName(path);
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    const got = found.isDirectory() ? 'a folder' : 'something that is not a file';
    throw fault(path, expectedGot('a file to write', got));
  }
  if (found !== undefined && input !== STREAM && (await isSameFile(path, input))) {
    throw isInput(path);
  }
  await outputTarget(path);
  await checkFolderOf(path);
}

/** Checks that the disk takes a name of this length. @throws TaesdError ARG */
export async function checkName(path: string): Promise<void> {
  // A link is not followed: it is replaced, or leads to a name that the disk has.
  await lstat(path).catch((cause: unknown) => {
    if (systemCode(cause) === 'ENAMETOOLONG') throw notWritable(path, systemReason(cause), cause);
  });
}

/**
 * Checks that a file can be written into a folder. It creates one and removes it again.
 *
 * @throws TaesdError ARG
 */
export async function checkFolderOf(path: string): Promise<void> {
  const folder = dirname(path);
  const foundFolder = await stat(folder).catch((cause: unknown) => {
    const reason = systemCode(cause) === 'ENOENT' ? 'no such folder' : systemReason(cause);
    throw notWritable(path, `${reason}: ${onOneLine(folder)}`, cause);
  });
  if (!foundFolder.isDirectory()) {
    throw notWritable(path, `a file in place of its folder: ${onOneLine(folder)}`);
  }
  await withTemporary(dirname(path), async (temporary) => {
    const file = await open(temporary, 'wx').catch((cause: unknown) => {
      // The folder is there: /proc and its like have no place for files.
      const isNowhere = systemCode(cause) === 'ENOENT';
      throw notWritable(path, isNowhere ? 'no file can be made there' : systemReason(cause), cause);
    });
    await writing(path)(file.close());
  });
}

/** Bytes of a file on a terminal help nobody, and may change its settings. */
function checkStdout(): void {
  if (!process.stdout.isTTY) return;
  throw fault('stdout', expectedGot('a pipe or a file', 'a terminal'));
}

/** Makes the error for an output that is one of the inputs. */
export const isInput = (path: string) =>
  fault(path, expectedGot('another file than IN', 'IN itself'));

async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, other].map((name) => realpath(name).catch(() => undefined)),
  );
  return one !== undefined && one === two;
}

/**
 * Writes a whole file or nothing. The bytes go into a temporary file beside the target as they
 * come. The file is renamed at the end. A link is followed, unless another user made it in a shared
 * folder. `-` is stdout, which gets nothing until all bytes are there.
 *
 * @param pieces  the file's bytes; each piece is requested after the one before it is written
 * @param signal  stops the writing
 * @throws TaesdError ARG (the file cannot be written); the signal's reason; any error of `pieces`.
 *   An older file at the path is then unchanged
 */
export async function writeOutput(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  if (path === STREAM) {
    await writeStdout(pieces, signal);
    return;
  }
  const target = await outputTarget(path);
  const write = writing(path);
  await withTemporary(dirname(target), async (temporary) => {
    const file = await write(open(temporary, 'wx'));
    try {
      for await (const piece of pieces) {
        signal?.throwIfAborted();
        await write(file.appendFile(piece));
      }
      // A name must not outlive a power cut without its bytes.
      await write(syncFile(file));
    } finally {
      await write(file.close());
    }
    signal?.throwIfAborted();
    await write(rename(temporary, target));
  });
}
