import { messageOf } from '../errors.ts';

/*
 * What the system says when a file cannot be read or written, in words.
 */

/** The system's errors that users meet most. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file: a part of its path is no folder'],
  ['EISDIR', 'a folder'],
  ['EACCES', 'no permission'],
  ['EPERM', 'no permission'],
  ['EROFS', 'a file system that is read-only'],
  ['ENOSPC', 'a full disk'],
  ['EDQUOT', 'a full disk: a quota is used up'],
  ['EFBIG', 'a limit of the size of files'],
]);

/** An error in a few words. */
export function systemReason(error: unknown): string {
  const known = REASONS.get(systemCode(error));
  return known ?? messageOf(error);
}

/** `ENOENT` and its like. */
export const systemCode = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** True for errors that say that there is no such file or folder. */
export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes(systemCode(error) as string);
