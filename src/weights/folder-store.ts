import type { FileHandle } from 'node:fs/promises';
import { expected, TaesdError } from '../errors.ts';
import { environmentVariable } from '../platform/runtime.ts';
import { isMissing, systemCode, systemReason } from '../platform/system-errors.ts';
import { millisecondsOfDate } from '../platform/timers.ts';
import type { ManifestFile } from './manifest.ts';
import { type Draft, refused, roomFor, STORE_NAME, type WeightStore } from './store.ts';

/*
 * The store in a folder, for runtimes with Node's modules. The modules load when they are used and
 * not at import: a bundler may put this file into a bundle that browsers run too.
 */
const node = {
  get crypto() {
    return process.getBuiltinModule('node:crypto');
  },
  get fs() {
    return process.getBuiltinModule('node:fs/promises');
  },
  get os() {
    return process.getBuiltinModule('node:os');
  },
  get path() {
    return process.getBuiltinModule('node:path');
  },
};

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

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = this.pathOf(name);
    try {
      return await node.fs.readFile(path);
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw refused(path, 'a readable file', systemReason(cause), { cause });
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    const fail = failing(this.pathOf(file.name), file);
    try {
      await node.fs.mkdir(this.#folder, { recursive: true });
      const path = draftPath(this.#folder, file.name, process.pid);
      await takeOver(this.#folder, file.name, path);
      const handle = await node.fs.open(path, 'a');
      const { size } = await handle.stat();
      return new FolderDraft(this.#folder, file.name, { path, handle, size, fail });
    } catch (cause) {
      return fail(cause);
    }
  }
}

/** The open file of a draft. */
interface OpenDraft {
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
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
    return this.#step(node.fs.readFile(this.#open.path));
  }

  async keep(): Promise<void> {
    const { path, handle } = this.#open;
    // After a power cut the name must not exist without its bytes.
    await this.#step(handle.sync());
    await this.#step(handle.close());
    await this.#step(node.fs.rename(path, node.path.join(this.#folder, this.#name)));
    await removeAbandoned(this.#folder, this.#name);
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

/** Returns the name of this machine, which Deno may refuse to tell. */
function hostWord(): string {
  try {
    return node.os.hostname().replace(/[^\w-]/g, '_') || 'unknown';
  } catch {
    return 'unknown';
  }
}

const draftPath = (folder: string, name: string, pid: number) =>
  node.path.join(folder, `.${name}.${hostWord()}.${pid}.${node.crypto.randomUUID()}.part`);

/** Takes over the longest abandoned draft, if there is one, by renaming it to `own`. */
async function takeOver(folder: string, name: string, own: string): Promise<void> {
  for (const path of await abandoned(folder, name)) {
    try {
      // Renewed before the renaming, so that no process takes it from us for its age.
      const now = millisecondsOfDate() / 1000;
      await node.fs.utimes(path, now, now);
      await node.fs.rename(path, own);
      return;
    } catch (error) {
      // Another process was faster.
      if (!isMissing(error)) throw error;
    }
  }
}

async function removeAbandoned(folder: string, name: string): Promise<void> {
  // The file is already in place: a draft that cannot be removed does no harm.
  const drafts = await abandoned(folder, name).catch(() => []);
  for (const path of drafts) await node.fs.rm(path).catch(() => undefined);
}

/** Returns the paths of a file's abandoned drafts, the longest first. */
async function abandoned(folder: string, name: string): Promise<string[]> {
  const found: { path: string; size: number }[] = [];
  for (const entry of await node.fs.readdir(folder)) {
    const { name: whole, host, pid } = DRAFT_NAME.exec(entry)?.groups ?? {};
    if (whole !== name) continue;
    const path = node.path.join(folder, entry);
    const { size, mtimeMs } = (await node.fs.stat(path).catch(() => undefined)) ?? {};
    // Another process has taken it meanwhile.
    if (size === undefined || mtimeMs === undefined) continue;
    const isOld = millisecondsOfDate() - mtimeMs > ABANDONED_MS;
    const isOrphan = host === hostWord() && !isAlive(Number(pid));
    if (pid === '0' || isOrphan || isOld) found.push({ path, size });
  }
  return found.sort((a, b) => b.size - a.size).map(({ path }) => path);
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
