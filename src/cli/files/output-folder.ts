import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { onOneLine } from '../../errors.ts';
import { systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';

/**
 * Runs `work`, which writes into a folder. A missing folder is made first; its parent must exist.
 * If `work` fails, a new folder that is still empty is removed.
 *
 * @throws TaesdError ARG (the folder cannot be made); any error of `work`
 */
export async function inFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  const isNew = await makeFolder(path);
  try {
    return await work();
  } catch (error) {
    // Fails if the folder holds a picture, which stays.
    if (isNew) await rmdir(path).catch(() => undefined);
    throw error;
  }
}

/** Runs `work` like `inFolder`, with every folder that is missing between `root` and `path`. */
export const inFolderBelow = <T>(root: string, path: string, work: () => Promise<T>): Promise<T> =>
  relative(root, path) === ''
    ? work()
    : inFolderBelow(root, dirname(path), () => inFolder(path, work));

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    // With a slash at its end a file is not found.
    const found = await stat(path.replace(/(?<=.)[/\\]+$/, '')).catch(() => undefined);
    if (found?.isDirectory()) return false;
    if (found !== undefined) {
      throw fault(path, expectedGot('a folder to write to', 'a file'), { cause });
    }
    const isNowhere = systemCode(cause) === 'ENOENT';
    const hint = isNowhere ? `no such folder: ${onOneLine(dirname(path))}` : systemReason(cause);
    throw fault(path, 'cannot be made', { hint, cause });
  }
}
