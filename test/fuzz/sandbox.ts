import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Marks a folder whose content may be removed. Nothing is removed from a folder without it. */
const MARKER = '.a-folder-of-the-fuzzer';

/** Makes a folder for files that a target's executions write, for `Sandbox`. */
export function makeSandbox(folder = mkdtempSync(join(tmpdir(), 'taesd-fuzz-'))): string {
  const isNew = !existsSync(folder);
  mkdirSync(folder, { recursive: true });
  if (!isNew && readdirSync(folder).length > 0 && !existsSync(join(folder, MARKER))) {
    throw new Error(`expected an empty folder, got ${folder}`);
  }
  writeFileSync(join(folder, MARKER), '');
  return folder;
}

/** A folder of known files, which is as it was before each execution. */
export class Sandbox {
  readonly folder: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly #times = new Map<string, number>();

  /** @throws Error (not a folder of `makeSandbox`) */
  constructor(folder: string, files: Readonly<Record<string, Uint8Array>>) {
    this.folder = folder;
    this.files = files;
    this.restore();
  }

  /** Removes all files that are not known, and writes those that are missing or were changed. */
  restore(): void {
    const { folder, files } = this;
    this.#checkMarker();
    const isParent = (name: string) => Object.keys(files).some((one) => one.startsWith(`${name}/`));
    for (const name of this.#names()) {
      if (files[name] === undefined && !isParent(name)) this.#remove(name);
    }
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(folder, name);
      const time = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (time !== undefined && time === this.#times.get(name)) continue;
      this.#remove(name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      this.#times.set(name, statSync(path).mtimeMs);
    }
  }

  /** Removes the folder. */
  remove(): void {
    this.#checkMarker();
    rmSync(this.folder, { recursive: true });
  }

  #checkMarker(): void {
    if (existsSync(join(this.folder, MARKER))) return;
    throw new Error(`expected a folder that the fuzzer made, got ${this.folder}`);
  }

  #names(): string[] {
    const all = readdirSync(this.folder, { recursive: true }) as string[];
    return all.filter((name) => name !== MARKER);
  }

  #remove(name: string): void {
    rmSync(join(this.folder, name), { recursive: true, force: true });
  }
}
