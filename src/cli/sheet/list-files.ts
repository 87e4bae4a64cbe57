import type { Dirent } from 'node:fs';
import { open as openFile, readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { isGzip, startsWith } from '../../first-bytes.ts';
import { latentPng } from '../../formats/latent-png.ts';
import { LATENT_FORMATS, recogniseFormat } from '../../formats/table.ts';
import { isMissing, systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import type { Say } from '../terminal/say.ts';

/** The files of a folder. */
export interface FolderFiles {
  /** The paths, from the folder on, of files that may hold latents, in natural order. */
  readonly names: readonly string[];
  /** The number of files that hold none. */
  readonly others: number;
  /** The number of folders that were left out. */
  readonly folders: number;
  /** The number of inner folders that cannot be read. */
  readonly broken: number;
}

export interface ListOptions {
  /** True to list the folders inside too. Links to folders are not followed. */
  readonly isDeep: boolean;
  /** The file to write. It may lie in the folder and is not listed. */
  readonly output: string;
  readonly signal: AbortSignal;
  /** Writes a note about a file that is not read. */
  readonly say: Say;
  /** Called with the error of each inner folder that cannot be read. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * Lists the files of a folder, told apart by their first bytes. Hidden files are left out. Pipes
 * and devices are never opened. An inner folder that cannot be read is counted.
 *
 * @throws TaesdError ARG (not a folder, or one that cannot be read)
 */
export async function listFiles(
  folder: string,
  { isDeep, output, signal, say, onBroken }: ListOptions,
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
      signal.throwIfAborted();
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const path = join(folder, name);
      if (entry.name.startsWith('.') || (await isSame(path, target))) continue;
      const kind = await kindOf(path, entry, say);
      if (kind === 'latents') names.push(name);
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

/** Files of latents are smaller, checkpoints of models are not. */
const MAX_BYTES = 256 * 2 ** 20;

/** Enough for the header of any file of latents; longer ones are known by their beginning. */
const HEAD_BYTES = 65536;

type Kind = 'latents' | 'folder' | 'other';

/** Returns `latents` for a file that may hold some, and for one that cannot be read. */
async function kindOf(path: string, entry: Dirent, say: Say): Promise<Kind> {
  if (entry.isDirectory()) return 'folder';
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return 'folder';
  if (found?.isFile() === false) return 'other';
  const head = await headOf(path);
  if (head === undefined) return hasEnding(path) ? 'latents' : 'other';
  if (!beginsLikeLatents(path, head)) return 'other';
  if (found === undefined || found.size <= MAX_BYTES) return 'latents';
  say(`note: ${path}: not read, because it is larger than ${MAX_BYTES / 2 ** 20} MiB`);
  return 'other';
}

/** Returns the first bytes of a file; undefined if it cannot be read. */
async function headOf(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await openFile(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function beginsLikeLatents(path: string, head: Uint8Array): boolean {
  const format = recogniseFormat(head);
  if (format === latentPng) return mayBeRgba(head);
  // Archives and gzip files of any kind begin alike.
  if (isGzip(head) || startsWith(head, 'PK')) return hasEnding(path);
  // A `.bin` may be anything; one of torch is recognised.
  return format !== undefined || (hasEnding(path) && !/\.bin$/i.test(path));
}

/** Returns true for the ending of a file of latents, also of a gzipped one: `.npy.gz`. */
function hasEnding(path: string): boolean {
  const ending = extname(path.replace(/\.gz$/i, '')).toLowerCase();
  return LATENT_FORMATS.some(({ endings }) => endings.includes(ending));
}

/** The place of the colour type in a PNG, after the bit depth. */
const COLOUR_TYPE = 25;

/** Returns false for a PNG of grey or of RGB, which is a picture: latents need four channels. */
const mayBeRgba = (head: Uint8Array): boolean =>
  head.length <= COLOUR_TYPE || ![0, 2].includes(head[COLOUR_TYPE]);
