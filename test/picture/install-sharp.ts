import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The reference for photographs, in a folder of its own: 18 MB that `npm ci` shall not install. */
const VERSION = '0.35.5';
const FOLDER = new URL('installed/', import.meta.url);

/** The time that npm may take, in milliseconds. */
const PATIENCE_MS = 240_000;
/** A folder that is there while a process installs. */
const LOCK = new URL('installing/', FOLDER);

/**
 * Installs sharp if it is missing. Two files of tests ask for it, and two of npm in one folder get
 * in each other's way: the second waits for the first.
 *
 * @returns its function, or the reason why there is none
 */
export function installSharp(): { readonly sharp?: Sharp; readonly reason?: string } {
  mkdirSync(FOLDER, { recursive: true });
  while (!takeLock()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  try {
    return install();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

/** Takes the lock, unless another process has it. One that has died does not keep it. */
function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const { mtimeMs } = statSync(LOCK, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > PATIENCE_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function install(): { readonly sharp?: Sharp; readonly reason?: string } {
  const require = createRequire(new URL('package.json', FOLDER));
  if (installedVersion() !== VERSION) {
    // Otherwise npm takes the project's folder for its own.
    if (!existsSync(new URL('package.json', FOLDER))) {
      writeFileSync(new URL('package.json', FOLDER), '{ "private": true }\n');
    }
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
    const { status, stderr } = spawnSync('npm', ['install', ...quiet, `sharp@${VERSION}`], {
      cwd: fileURLToPath(FOLDER),
      encoding: 'utf8',
      timeout: PATIENCE_MS,
    });
    if (status !== 0) return { reason: `sharp ${VERSION} cannot be installed: ${stderr}` };
  }
  return { sharp: require('sharp') as Sharp };
}

function installedVersion(): string | undefined {
  const manifest = new URL('node_modules/sharp/package.json', FOLDER);
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** The part of sharp that the tests use. */
export type Sharp = (input: Uint8Array, options?: object) => SharpImage;

export interface SharpImage {
  jpeg(options?: object): SharpImage;
  webp(options?: object): SharpImage;
  withMetadata(options: { readonly orientation: number }): SharpImage;
  withIccProfile(name: string): SharpImage;
  toColourspace(name: string): SharpImage;
  autoOrient(): SharpImage;
  ensureAlpha(): SharpImage;
  raw(): SharpImage;
  toBuffer(): Promise<Uint8Array>;
  toBuffer(options: { readonly resolveWithObject: true }): Promise<{
    readonly data: Uint8Array;
    readonly info: { readonly width: number; readonly height: number };
  }>;
}
