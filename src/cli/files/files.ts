import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { expected, TaesdError } from '../../errors.ts';
import { systemCode, systemReason } from '../../platform/system-errors.ts';

/** The formats that a file's ending can choose. */
export type Format = 'png' | 'safetensors';

/**
 * The format that a path's ending stands for, in small letters or capitals.
 *
 * @param holds  what each format holds, for the message
 * @throws TaesdError ARG for any other ending
 */
export function formatOf(path: string, holds: Readonly<Record<Format, string>>): Format {
  const ending = extname(path).toLowerCase();
  if (ending === '.png') return 'png';
  if (ending === '.safetensors') return 'safetensors';
  const rule = `the ending .png (${holds.png}) or .safetensors (${holds.safetensors})`;
  const got = ending === '' ? 'no ending' : ending;
  throw expected('ARG', path, rule, got);
}

/**
 * A whole file.
 *
 * @param rule  what it should be, for messages: `a picture's file`
 * @throws TaesdError ARG where it cannot be read
 */
export async function readInput(path: string, rule: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw expected('ARG', path, rule, systemReason(cause), { cause });
  }
}

/**
 * Puts a file's name before the message of whatever is wrong with its bytes.
 *
 * @throws TaesdError of the same code
 */
export function readingFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof TaesdError)) throw cause;
    throw new TaesdError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}

/** True for bytes that begin as a safetensors file does: with a 64-bit length below 2³², then `{`. */
export const isSafetensors = (bytes: Uint8Array): boolean =>
  startsWith(bytes.subarray(4), '\0\0\0\0{');

/** True where the first bytes are those of the text, one a character. */
export const startsWith = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((char, i) => bytes[i] === char.charCodeAt(0));

/**
 * Finds out before the long work whether the result can be written: a file is made beside it and removed at once.
 *
 * @param input  the file that is read, which must be another one
 * @throws TaesdError ARG where it cannot
 */
export async function checkOutput(path: string, input: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    const got = found.isDirectory() ? 'a folder' : 'something that is no file';
    throw expected('ARG', path, 'a file to write', got);
  }
  if (found !== undefined && (await isSameFile(path, input))) {
    throw expected('ARG', path, 'another file than IN', 'the same file');
  }
  const folder = dirname(path);
  const rule = 'a file in a folder that exists';
  const foundFolder = await stat(folder).catch((cause: unknown) => {
    const got = systemCode(cause) === 'ENOENT' ? 'no such folder' : systemReason(cause);
    throw expected('ARG', path, rule, `${got}: ${folder}`, { cause });
  });
  if (!foundFolder.isDirectory()) {
    throw expected('ARG', path, rule, `a file in its place: ${folder}`);
  }
  await withTemporary(path, async (temporary) => {
    const write = writing(path);
    const file = await write(open(temporary, 'wx'));
    await write(file.close());
  });
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, other].map((name) => realpath(name).catch(() => undefined)),
  );
  return one !== undefined && one === two;
}

/**
 * Writes a file whole or not at all: first beside its place, piece by piece as they come, then by renaming. A link is
 * followed.
 *
 * @param pieces  the file's bytes; the next are asked for once the last are written
 * @param signal  ends the writing
 * @throws TaesdError ARG where it cannot be written; the signal's reason; what `pieces` throws. What was there before
 *   is then still there
 */
export async function writeOutput(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const write = writing(path);
  await withTemporary(target, async (temporary) => {
    const file = await write(open(temporary, 'wx'));
    try {
      for await (const piece of pieces) {
        signal?.throwIfAborted();
        await write(file.appendFile(piece));
      }
      // A name must not outlive a power cut without its bytes.
      await write(file.sync());
    } finally {
      await write(file.close());
    }
    signal?.throwIfAborted();
    await write(rename(temporary, target));
  });
}

/** Gives a name beside the target, where nothing is left in the end, also when the process ends meanwhile. */
async function withTemporary(target: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = join(dirname(target), `.taesd-${randomUUID()}.tmp`);
  const removeAtExit = () => {
    try {
      rmSync(path, { force: true });
    } catch {
      // There is nobody left to tell.
    }
  };
  process.on('exit', removeAtExit);
  try {
    await use(path);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
    process.off('exit', removeAtExit);
  }
}

/** Turns the system's errors into those that name the file. */
const writing =
  (path: string) =>
  <T>(step: Promise<T>): Promise<T> =>
    step.catch((cause: unknown) => {
      throw notWritable(path, cause);
    });

const notWritable = (path: string, cause: unknown): TaesdError =>
  expected('ARG', path, 'a file that can be written', systemReason(cause), { cause });
