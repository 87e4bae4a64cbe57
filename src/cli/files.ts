import { randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { expected, TaesdError } from '../errors.ts';

/** The formats that a file's ending can choose. */
export type Format = 'png' | 'safetensors';

/**
 * The format that a path's ending stands for, in small letters or capitals.
 *
 * @param holds  what each format holds, for the message
 * @throws TaesdError ARG for any other ending
 */
export function formatOf(
  where: string,
  path: string,
  holds: Readonly<Record<Format, string>>,
): Format {
  const ending = extname(path).toLowerCase();
  if (ending === '.png') return 'png';
  if (ending === '.safetensors') return 'safetensors';
  const rule = `the ending .png (${holds.png}) or .safetensors (${holds.safetensors})`;
  const got = ending === '' ? 'no ending' : ending;
  throw expected('ARG', where, path, rule, got);
}

/**
 * A whole file.
 *
 * @param rule  what it should be, for messages: `a picture's file`
 * @throws TaesdError ARG where it cannot be read
 */
export async function readInput(where: string, path: string, rule: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw expected('ARG', where, path, rule, reason(cause), undefined, { cause });
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

/**
 * Finds out before the long work whether the result can be written: a file is made beside it and removed at once.
 *
 * @throws TaesdError ARG where it cannot
 */
export async function checkOutput(where: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    const got = found.isDirectory() ? 'a folder' : 'something that is no file';
    throw expected('ARG', where, path, 'a file to write', got);
  }
  const folder = dirname(path);
  const rule = 'a file in a folder that exists';
  const foundFolder = await stat(folder).catch((cause: unknown) => {
    const got = codeOf(cause) === 'ENOENT' ? 'no such folder' : reason(cause);
    throw expected('ARG', where, path, rule, `${got}: ${folder}`, undefined, { cause });
  });
  if (!foundFolder.isDirectory()) {
    throw expected('ARG', where, path, rule, `a file in its place: ${folder}`);
  }
  try {
    const temporary = temporaryBeside(path);
    await (await open(temporary, 'wx')).close();
    await rm(temporary);
  } catch (cause) {
    throw notWritable(where, path, cause);
  }
}

/**
 * Writes a file whole or not at all: first beside its place, then by renaming. A link is followed.
 *
 * @throws TaesdError ARG where it cannot be written; what was there before is still there
 */
export async function writeOutput(where: string, path: string, bytes: Uint8Array): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = temporaryBeside(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      // A name must not outlive a power cut without its bytes.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw notWritable(where, path, cause);
  }
}

const temporaryBeside = (path: string): string => join(dirname(path), `.taesd-${randomUUID()}.tmp`);

const notWritable = (where: string, path: string, cause: unknown): TaesdError =>
  expected('ARG', where, path, 'a file that can be written', reason(cause), undefined, { cause });

/** The system's errors that users meet most, in words. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file: a part of its path is no folder'],
  ['EISDIR', 'a folder'],
  ['EACCES', 'no permission'],
  ['EPERM', 'no permission'],
  ['EROFS', 'a file system that is read-only'],
  ['ENOSPC', 'a full disk'],
]);

function reason(error: unknown): string {
  const known = REASONS.get(codeOf(error));
  return known ?? (error instanceof Error ? error.message : String(error));
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
