import { expected, TaesdError } from '../errors.ts';
import { node } from '../platform/node-modules.ts';
import {
  type FoundFile,
  otherKindOf,
  readBytes,
  readRegularFile,
} from '../platform/regular-file.ts';
import { environmentVariable } from '../platform/runtime.ts';
import { syncFile } from '../platform/sync-file.ts';
import { isMissing, systemCode, systemReason } from '../platform/system-errors.ts';
import { type DraftFile, draftPath, openDraft, removeAbandoned } from './draft-files.ts';
import { type ManifestFile, maxBytesOf } from './manifest.ts';
import { notAFile } from './not-a-file.ts';
import { type Draft, refused, roomFor, STORE_NAME, type WeightStore } from './store.ts';

/* The store in a folder, for runtimes with Node's modules. */

/**
 * Returns our folder in the user's cache folder: `$XDG_CACHE_HOME` or `~/.cache` (XDG Base
 * Directory Specification, which ignores a relative path there), `~/Library/Caches` on macOS,
 * `%LOCALAPPDATA%` on Windows.
 *
 * @throws TaesdError UNSUPPORTED (no home folder; Deno without the permission to read its path)
 */
export function cacheFolder(): string {
  const { platform } = process;
  const given = environmentVariable(platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME');
  const usual = { darwin: ['Library', 'Caches'], win32: ['AppData', 'Local'] }[platform as string];
  const useGiven = platform !== 'darwin' && given !== undefined && node.path.isAbsolute(given);
  return node.path.join(
    useGiven ? given : node.path.join(homeFolder(), ...(usual ?? ['.cache'])),
    STORE_NAME,
  );
}

function homeFolder(): string {
  let home: string;
  try {
    home = node.os.homedir();
  } catch (cause) {
    // A user whom the system does not know, as in containers.
    const isUnknown = systemCode(cause) === 'ERR_SYSTEM_ERROR';
    const rule = isUnknown ? 'a user who has one' : 'permission to read its path';
    const got = isUnknown ? 'none' : systemReason(cause);
    const hint = isUnknown
      ? 'HOME or XDG_CACHE_HOME names one'
      : 'in Deno: --allow-sys=homedir, or --allow-env=XDG_CACHE_HOME';
    throw expected('UNSUPPORTED', 'home folder', rule, got, { hint, cause });
  }
  // An empty HOME would make the path one below the working folder.
  if (node.path.isAbsolute(home)) return home;
  const hint = 'HOME is empty or relative; XDG_CACHE_HOME names another folder';
  throw expected('UNSUPPORTED', 'home folder', 'an absolute path', JSON.stringify(home), { hint });
}

export class FolderStore implements WeightStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get location(): string {
    return `cache ${this.#folder}`;
  }

  pathOf(name: string): string {
    return node.path.join(this.#folder, name);
  }

  async read(name: string, maxBytes: number): Promise<FoundFile | undefined> {
    const path = this.pathOf(name);
    try {
      return await readRegularFile(path, maxBytes);
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      if (cause instanceof TaesdError) throw cause;
      throw refused(path, 'a readable file', systemReason(cause), { cause });
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    const { name } = file;
    const path = this.pathOf(name);
    const fail = failing(path, file);
    try {
      await node.fs.mkdir(this.#folder, { recursive: true });
      await checkReplaceable(path, name);
      const draft = await openDraft(this.#folder, name, maxBytesOf(file));
      return new FolderDraft(this.#folder, name, { ...draft, fail });
    } catch (cause) {
      return fail(cause);
    }
  }
}

/**
 * Checks that the name is free, or that of a file. A link is replaced, and not what it leads to.
 *
 * @throws NotAFile ARG
 */
async function checkReplaceable(path: string, name: string): Promise<void> {
  const found = await node.fs.stat(path).catch(() => undefined);
  const otherKind = found && otherKindOf(found);
  if (otherKind !== undefined) throw notAFile(path, name, otherKind);
}

/** The open file of a draft, and the handler of its errors. */
interface OpenDraft extends DraftFile {
  readonly fail: (cause: unknown) => never;
}

class FolderDraft implements Draft {
  readonly #folder: string;
  readonly #name: string;
  readonly #open: OpenDraft;
  /** Set after a failed write: the draft is then deleted, not left for a later one. */
  #isUseless = false;
  #length: number;

  constructor(folder: string, name: string, open: OpenDraft) {
    this.#folder = folder;
    this.#name = name;
    this.#open = open;
    this.#length = open.size;
  }

  get length(): number {
    return this.#length;
  }

  async append(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#step(this.#open.handle.appendFile(piece));
    this.#length += piece.length;
  }

  async restart(): Promise<void> {
    await this.#step(this.#open.handle.truncate(0));
    this.#length = 0;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#step(readBytes(this.#open.handle, this.#length));
  }

  async keep(): Promise<void> {
    const { path, handle, uid } = this.#open;
    // After a power cut the name must not exist without its bytes.
    await this.#step(syncFile(handle));
    await this.#step(handle.close());
    await this.#step(node.fs.rename(path, node.path.join(this.#folder, this.#name)));
    await removeAbandoned(this.#folder, this.#name, uid);
  }

  async leave(): Promise<void> {
    const { path, handle } = this.#open;
    await handle.close().catch(() => undefined);
    const isOfUse = this.#length > 0 && !this.#isUseless;
    const left = isOfUse
      ? node.fs.rename(path, draftPath(this.#folder, this.#name, 0))
      : node.fs.rm(path);
    await left.catch(() => undefined);
  }

  async #step<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (cause) {
      this.#isUseless = true;
      return this.#open.fail(cause);
    }
  }
}

/** The system's errors for too little room. */
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Returns a handler that turns the system's errors into errors that name the file. */
const failing =
  (path: string, file: ManifestFile) =>
  (cause: unknown): never => {
    if (cause instanceof TaesdError) throw cause;
    const isFull = NO_ROOM.includes(systemCode(cause) as string);
    const rule = isFull ? roomFor(file) : 'a file that can be written';
    throw refused(path, rule, systemReason(cause), { cause });
  };
