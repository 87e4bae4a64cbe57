import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openWithoutWaiting, readBytes } from '../../platform/regular-file.ts';
import { isMissing, systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import type { Say } from '../terminal/say.ts';
import type { FolderContents } from './folder-contents.ts';
import { isInput } from './write-output.ts';

/** The files of a folder. */
export interface FolderFiles {
  /** The paths, from the folder on, of the files that are taken, in natural order. */
  readonly names: readonly string[];
  /** The number of other files. */
  readonly others: number;
  /** The number of folders that were left out. */
  readonly folders: number;
  /** The number of inner folders that cannot be read. */
  readonly broken: number;
}

export interface ListOptions {
  /** True to list the folders inside too. Links to folders are not followed. */
  readonly isDeep: boolean;
  /** The file or folder to write. It may lie in the folder and is not listed. */
  readonly output: string;
  readonly contents: FolderContents;
  readonly signal?: AbortSignal | undefined;
  /** Writes a note about a file that is not read. */
  readonly say: Say;
  /** Called with the error of each inner folder that cannot be read. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * Lists the files of a folder, told apart by their first bytes. Hidden files are left out. Pipes
 * and devices are never opened. An inner folder that cannot be read is counted.
 *
 * @throws TaesdError ARG (not a folder, or one that cannot be read; the file to write is one of the
 *   files that would be taken)
 */
export async function listFolder(
  folder: string,
  { isDeep, output, contents, signal, say, onBroken }: ListOptions,
): Promise<FolderFiles> {
  const target = await realpath(output).catch(() => undefined);
  const names: string[] = [];
  const counts = { others: 0, folders: 0, broken: 0 };
  const open = [''];
  for (let inside = open.pop(); inside !== undefined; inside = open.pop()) {
    const entries = await entriesOf(join(folder, inside)).catch((error: unknown) => {
      if (inside === '') throw error;
      // Others may remove folders meanwhile, and a sheet of the rest is better than none.
      counts.broken++;
      onBroken(error);
      return [];
    });
    for (const entry of entries) {
      signal?.throwIfAborted();
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const path = join(folder, name);
      if (entry.name.startsWith('.')) continue;
      const kind = await kindOf(path, entry, contents, say);
      if (await isSame(path, target)) {
        // An older result may lie in the folder. A file that is read must not be overwritten.
        if (kind === 'taken') throw isInput(output);
        continue;
      }
      if (kind === 'taken') names.push(name);
      else if (kind === 'other') counts.others++;
      else if (isDeep && entry.isDirectory()) open.push(name);
      else counts.folders++;
    }
  }
  return { names: naturally(names), ...counts };
}

/** Returns names in the order of their numbers: `a2` before `a10`. */
function naturally(names: readonly string[]): string[] {
  const { compare } = new Intl.Collator('en', { numeric: true });
  // The collator takes `a1` and `a01` for equal, and folders come in any order.
  return [...names].sort((a, b) => compare(a, b) || (a < b ? -1 : 1));
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (systemCode(cause) === 'ENOTDIR') throw fault(folder, expectedGot('a folder', 'a file'));
    if (isMissing(cause)) throw fault(folder, 'no such folder', { cause });
    throw fault(folder, 'cannot be read', { hint: systemReason(cause), cause });
  }
}

async function isSame(path: string, target: string | undefined): Promise<boolean> {
  if (target === undefined || basename(path) !== basename(target)) return false;
  return (await realpath(path).catch(() => undefined)) === target;
}

/** Enough for the header of any file of latents; longer ones are known by their beginning. */
const HEAD_BYTES = 65536;

type Kind = 'taken' | 'folder' | 'other';

async function kindOf(
  path: string,
  entry: Dirent,
  { takes, maxBytes = Infinity }: FolderContents,
  say: Say,
): Promise<Kind> {
  if (entry.isDirectory()) return 'folder';
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return 'folder';
  if (found?.isFile() === false) return 'other';
  if (!takes(path, await headOf(path).catch(() => undefined))) return 'other';
  if (found === undefined || found.size <= maxBytes) return 'taken';
  say(`${path}: not read, because it is larger than ${maxBytes / 2 ** 20} MiB`);
  return 'other';
}

/** Returns the first bytes of a file; undefined for anything else. @throws the system's errors */
async function headOf(path: string): Promise<Uint8Array | undefined> {
  const file = await openWithoutWaiting(path);
  try {
    return (await file.stat()).isFile() ? await readBytes(file, HEAD_BYTES) : undefined;
  } finally {
    await file.close();
  }
}
