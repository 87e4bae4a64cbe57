import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Lends a file name in a folder. The file is gone afterwards, even if the process ends. */
export async function withTemporary(
  folder: string,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = join(folder, `.taesd-${randomUUID()}.tmp`);
  const removeAtExit = () => {
    try {
      rmSync(path, { force: true });
    } catch {
      // The process is ending: there is no place left to report this.
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
