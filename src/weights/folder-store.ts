import type { FileHandle } from 'node:fs/promises';
import { expected } from '../errors.ts';
import { environmentVariable } from '../platform/runtime.ts';
import { isMissing, systemCode, systemReason } from '../platform/system-errors.ts';
import type { ManifestFile } from './manifest.ts';
import { type Draft, STORE_NAME, type WeightStore } from './store.ts';

/*
 * Weights in a folder, in runtimes that have Node's modules. They come when they are used and not before: a bundler may
 * make one file of all, which browsers run too.
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
 * The user's cache folder, as the platform has it: `$XDG_CACHE_HOME` or `~/.cache` (XDG Base Directory Specification,
 * by which a relative path there is ignored), `~/Library/Caches`, `%LOCALAPPDATA%`.
 *
 * @throws TaesdError UNSUPPORTED where Deno was given no leave to ask for it
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
  try {
    return node.os.homedir();
  } catch (cause) {
    const hint = 'in Deno: --allow-sys=homedir, or --allow-env=XDG_CACHE_HOME';
    const got = systemReason(cause);
    throw expected('UNSUPPORTED', 'home folder', 'leave to ask for it', got, { hint, cause });
  }
}

/**
 * Half a file is called `.NAME.HOST.PROCESS.RANDOM.part`; two processes never write to the same one. It is taken over, by
 * renaming, which succeeds for but one, when its process is gone or it has not grown for long. What was left on
 * purpose has no process: 0.
 */
const PART = /^\.(?<name>.+)\.(?<host>[\w-]+)\.(?<pid>\d+)\.[\w-]+\.part$/;

/** Without a byte for so long, also on another machine, nobody is writing any more. */
const ABANDONED_MS = 10 * 60_000;

export class FolderStore implements WeightStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get place(): string {
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
      const got = systemReason(cause);
      throw expected('ARG', path, 'a readable file', got, { cause });
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    const fail = failing(this.pathOf(file.name), file.bytes);
    await node.fs.mkdir(this.#folder, { recursive: true }).catch(fail);
    const path = partPath(this.#folder, file.name, process.pid);
    await claim(this.#folder, file.name, path).catch(fail);
    const handle = await node.fs.open(path, 'a').catch(fail);
    const { size } = await handle.stat().catch(fail);
    return new FolderDraft(this.#folder, file.name, { path, handle, size, fail });
  }
}

/** What a draft has to begin with. */
interface OpenPart {
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
  readonly fail: (cause: unknown) => never;
}

class FolderDraft implements Draft {
  readonly #folder: string;
  readonly #name: string;
  readonly #part: OpenPart;
  /** Nothing that is cut by a full disk is of use, and it takes room that others need. */
  #isUseless = false;
  #length: number;

  constructor(folder: string, name: string, part: OpenPart) {
    this.#folder = folder;
    this.#name = name;
    this.#part = part;
    this.#length = part.size;
  }

  get length(): number {
    return this.#length;
  }

  async append(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#step(this.#part.handle.appendFile(piece));
    this.#length += piece.length;
  }

  async restart(): Promise<void> {
    await this.#step(this.#part.handle.truncate(0));
    this.#length = 0;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#step(node.fs.readFile(this.#part.path));
  }

  async keep(): Promise<void> {
    const { path, handle } = this.#part;
    // A name must not outlive a power cut without its bytes.
    await this.#step(handle.sync());
    await this.#step(handle.close());
    await this.#step(node.fs.rename(path, node.path.join(this.#folder, this.#name)));
    await removeAbandoned(this.#folder, this.#name);
  }

  async leave(): Promise<void> {
    const { path, handle } = this.#part;
    await handle.close().catch(() => undefined);
    const isOfUse = this.#length > 0 && !this.#isUseless;
    const left = isOfUse
      ? node.fs.rename(path, partPath(this.#folder, this.#name, 0))
      : node.fs.rm(path);
    await left.catch(() => undefined);
  }

  async #step<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (cause) {
      this.#isUseless = true;
      return this.#part.fail(cause);
    }
  }
}

const hostWord = () => node.os.hostname().replace(/[^\w-]/g, '_') || 'unknown';

const partPath = (folder: string, name: string, pid: number) =>
  node.path.join(folder, `.${name}.${hostWord()}.${pid}.${node.crypto.randomUUID()}.part`);

/** Takes over the longest half file that nobody writes any more, if there is one, under the name of our own. */
async function claim(folder: string, name: string, own: string): Promise<void> {
  for (const path of await abandoned(folder, name)) {
    try {
      // Before it is ours, so that nobody takes it from us for its age.
      const now = new Date();
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
  // The file is there: what cannot be removed does no harm.
  const halves = await abandoned(folder, name).catch(() => []);
  for (const path of halves) await node.fs.rm(path).catch(() => undefined);
}

/** Half files of that name that nobody writes any more, the longest first. */
async function abandoned(folder: string, name: string): Promise<string[]> {
  const found: { path: string; size: number }[] = [];
  for (const entry of await node.fs.readdir(folder)) {
    const { name: whole, host, pid } = PART.exec(entry)?.groups ?? {};
    if (whole !== name) continue;
    const path = node.path.join(folder, entry);
    const { size, mtimeMs } = (await node.fs.stat(path).catch(() => undefined)) ?? {};
    // Gone meanwhile: another process has taken it.
    if (size === undefined || mtimeMs === undefined) continue;
    const isOld = Date.now() - mtimeMs > ABANDONED_MS;
    const isOurs = host === hostWord() && !isAlive(Number(pid));
    if (pid === '0' || isOurs || isOld) found.push({ path, size });
  }
  return found.sort((a, b) => b.size - a.size).map(({ path }) => path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Without the right to signal it, it is there.
    return systemCode(error) !== 'ESRCH';
  }
}

const ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Turns the system's errors into those that name the file. */
const failing =
  (path: string, bytes: number) =>
  (cause: unknown): never => {
    if (systemCode(cause) === undefined) throw cause;
    const isFull = ROOM.includes(systemCode(cause) as string);
    const rule = isFull ? `room for ${bytes} bytes` : 'a file that can be written';
    throw expected('ARG', path, rule, systemReason(cause), { cause });
  };
