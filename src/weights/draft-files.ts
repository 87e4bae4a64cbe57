import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { node } from '../platform/node-modules.ts';
import { openWithoutWaiting } from '../platform/regular-file.ts';
import { systemCode } from '../platform/system-errors.ts';
import { millisecondsOfDate } from '../platform/timers.ts';

/*
 * The files of drafts in a folder. Others may write to the folder and plant anything under the name
 * of a draft. So a draft is taken over only if it is a regular file of the user's own with one
 * name. Everything else stays as it is: it is not opened, renamed, written to or removed.
 */

/**
 * The names of drafts: `.NAME.HOST.PROCESS.RANDOM.part`, so that no two processes write to one
 * file. A draft that its process left for later has the process 0.
 *
 * A draft is abandoned if it was left, if its process has ended, or if it has not grown for long. A
 * process takes it over by renaming it, which succeeds for only one.
 */
const DRAFT_NAME = /^\.(?<name>.+)\.(?<host>[\w-]+)\.(?<pid>\d+)\.[\w-]+\.part$/;

/** The age of a draft, of any machine, after which its process is taken for dead. */
const ABANDONED_MS = 10 * 60_000;

/** The open file of a draft. Writes go to its end. */
export interface DraftFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
  /** The user whom files of this process belong to, as the file system of the folder reports it. */
  readonly uid: number;
}

/** Returns the path of a new draft. @param pid  0 for one that is left for later */
export const draftPath = (folder: string, name: string, pid: number) =>
  node.path.join(folder, `.${name}.${hostWord()}.${pid}.${node.crypto.randomUUID()}.part`);

/** Returns the name of this machine, which Deno may refuse to tell. */
function hostWord(): string {
  try {
    return node.os.hostname().replace(/[^\w-]/g, '_') || 'unknown';
  } catch {
    return 'unknown';
  }
}

/**
 * Opens a draft: the longest abandoned one, or else a new file.
 *
 * @param maxBytes  a draft with more is emptied
 * @throws the system's errors
 */
export async function openDraft(
  folder: string,
  name: string,
  maxBytes: number,
): Promise<DraftFile> {
  const fresh = await newDraft(folder, name);
  // Without a list of the folder nothing is taken over.
  const left = await abandonedDrafts(folder, name, fresh.uid).catch(() => []);
  for (const { path, found } of left) {
    const own = draftPath(folder, name, process.pid);
    const taken = await takeOver(path, found, own, maxBytes);
    if (taken === undefined) continue;
    await fresh.handle.close();
    await node.fs.rm(fresh.path).catch(() => undefined);
    return taken;
  }
  return fresh;
}

/**
 * Makes a draft. It fails if there is anything under its name. Its user is asked of the file
 * system, since some, such as those of networks, give all files to another one.
 */
async function newDraft(folder: string, name: string): Promise<DraftFile> {
  const path = draftPath(folder, name, process.pid);
  const handle = await node.fs.open(path, 'ax+');
  const { uid } = await handle.stat();
  return { path, handle, size: 0, uid };
}

/** Takes over an abandoned draft by renaming it. @returns undefined if that is not possible */
async function takeOver(
  path: string,
  before: Stats,
  own: string,
  maxBytes: number,
): Promise<DraftFile | undefined> {
  const { constants, lutimes, rename } = node.fs;
  let handle: FileHandle | undefined;
  try {
    // Renewed before the renaming, so that no process takes it from us for its age.
    const now = millisecondsOfDate() / 1000;
    await lutimes(path, now, now);
    await rename(path, own);
    const { O_APPEND, O_RDWR, O_NOFOLLOW } = constants;
    handle = await openWithoutWaiting(own, O_RDWR | O_APPEND | (O_NOFOLLOW ?? 0));
    const found = await handle.stat();
    // Another program may have put a link there since it was listed. Windows has no O_NOFOLLOW and
    // opens what the link leads to; the inode differs.
    const isIt = O_NOFOLLOW !== undefined || found.ino === before.ino;
    if (isIt && isOwn(found, before.uid)) {
      const size = found.size > maxBytes ? 0 : found.size;
      if (size !== found.size) await handle.truncate(0);
      return { path: own, handle, size, uid: found.uid };
    }
  } catch {
    // Another process was faster, or the draft cannot be opened: a new one begins.
  }
  await handle?.close();
  return undefined;
}

/** Returns true for a regular file of a user that has no second name, such as one elsewhere. */
const isOwn = (found: Stats, uid: number): boolean =>
  // Not `nlink === 1`: some file systems, and Deno on Windows, do not count the names of a file.
  found.isFile() && found.uid === uid && !(found.nlink > 1);

/** Removes the abandoned drafts of a user. */
export async function removeAbandoned(folder: string, name: string, uid: number): Promise<void> {
  // The file is already in place: a draft that cannot be removed does no harm.
  const drafts = await abandonedDrafts(folder, name, uid).catch(() => []);
  for (const { path } of drafts) await node.fs.rm(path).catch(() => undefined);
}

interface AbandonedDraft {
  readonly path: string;
  readonly found: Stats;
}

/** Returns a file's abandoned drafts of a user, the longest first. */
async function abandonedDrafts(
  folder: string,
  name: string,
  uid: number,
): Promise<AbandonedDraft[]> {
  const all: AbandonedDraft[] = [];
  for (const entry of await node.fs.readdir(folder)) {
    const { name: whole, host, pid } = DRAFT_NAME.exec(entry)?.groups ?? {};
    if (whole !== name) continue;
    const path = node.path.join(folder, entry);
    const found = await node.fs.lstat(path).catch(() => undefined);
    // Another process has taken it meanwhile, or it is not ours.
    if (found === undefined || !isOwn(found, uid)) continue;
    const isOld = millisecondsOfDate() - found.mtimeMs > ABANDONED_MS;
    const isOrphan = host === hostWord() && !isAlive(Number(pid));
    if (pid === '0' || isOrphan || isOld) all.push({ path, found });
  }
  return all.sort((a, b) => b.found.size - a.found.size);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Any other error, such as no permission to signal it, means that it exists.
    return systemCode(error) !== 'ESRCH';
  }
}
