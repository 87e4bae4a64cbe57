import { mkdir, rmdir, stat } from 'node:fs/promises';
import { expected } from '../../errors.ts';
import { systemCode, systemReason } from '../../platform/system-errors.ts';

/**
 * Lets a command write into a folder, which is made where there is none, in a folder that exists. One that was made and has
 * nothing in it when the command fails is removed again.
 *
 * @throws TaesdError ARG where there is no folder and none can be made; what `work` throws
 */
export async function inFolder(path: string, work: () => Promise<void>): Promise<void> {
  const isNew = await makeFolder(path);
  try {
    await work();
  } catch (error) {
    // Fails where a picture is in it, which stays.
    if (isNew) await rmdir(path).catch(() => undefined);
    throw error;
  }
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) return false;
    const reason = systemCode(cause) === 'ENOENT' ? 'no folder to make it in' : systemReason(cause);
    const got = found === undefined ? reason : 'a file in its place';
    throw expected('ARG', path, 'a folder to write to', got, { cause });
  }
}
