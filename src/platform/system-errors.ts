import { messageOf } from '../errors.ts';

/*
 * The errors of the operating system in words.
 */

/** The system's errors that users meet most. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file: a part of its path is not a folder'],
  ['EISDIR', 'a folder'],
  ['EACCES', 'no permission'],
  ['EPERM', 'no permission'],
  ['EROFS', 'a file system that is read-only'],
  ['ENOSPC', 'a full disk'],
  ['EDQUOT', 'a full disk: a quota is used up'],
  ['EFBIG', 'a limit of the size of files'],
  ['ENAMETOOLONG', 'a name that is too long for the disk'],
]);

/** The code of Node's permission model. */
export const NOT_ALLOWED = 'ERR_ACCESS_DENIED';

/** The flags of Node's permission model, by the permission that an error names. */
const FLAGS: Readonly<Record<string, string>> = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  WorkerThreads: '--allow-worker',
  Net: '--allow-net',
};

/** Returns an error in a few words, without the path that Node adds: the message has the name. */
export function systemReason(error: unknown): string {
  if (systemCode(error) === NOT_ALLOWED) {
    const flag = FLAGS[`${(error as { permission?: unknown }).permission}`];
    return `no permission from Node${flag === undefined ? '' : `: ${flag}`}`;
  }
  const known = REASONS.get(systemCode(error));
  const { syscall } = (error ?? {}) as { readonly syscall?: unknown };
  // "EMFILE: too many open files, open '/a/b'"
  return known ?? messageOf(error).split(`, ${syscall} '`)[0];
}

/** Returns the error's code, such as `ENOENT`. */
export const systemCode = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** Returns true for the errors of a file or folder that does not exist. */
export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes(systemCode(error) as string);
