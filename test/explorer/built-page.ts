import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * The page, built as `npm run explore:build` does: once for all test files, and again when anything
 * that it is made of has changed.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/explorer');

/** The beginning of the name of a folder that is being built. */
const BUILDING = 'new-';

/** The sources of the page: files and folders. */
const SOURCES = [
  'explorer',
  'dist',
  'src/model',
  'examples/render-picture.mjs',
  'weights/manifest.json',
  'examples/dream',
  'weights/dream/dream.safetensors',
  'package.json',
  'node_modules/.package-lock.json',
];

/** @returns the folder that it is in */
export function builtPage(): string {
  const key = keyOf(SOURCES.flatMap(filesOf));
  const folder = join(CACHE, key);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  // Pages of other sources. Those that test files beside this one are building stay.
  for (const name of readdirSync(CACHE)) {
    if (name !== key && !name.startsWith(BUILDING)) {
      rmSync(join(CACHE, name), { recursive: true, force: true });
    }
  }
  const made = mkdtempSync(join(CACHE, BUILDING));
  build(made);
  try {
    renameSync(made, folder);
  } catch {
    // Another test file was faster.
    return existsSync(folder) ? folder : made;
  }
  return folder;
}

function build(folder: string): void {
  const env = { ...process.env, NODE_ENV: 'production', TAESD_WEIGHTS: '' };
  const args = ['build', 'explorer', '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'];
  const vite = join(ROOT, 'node_modules/.bin/vite');
  const { status, stderr } = spawnSync(vite, args, { cwd: ROOT, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the explorer does not build: ${stderr}`);
}

/** Files' paths, sizes and times of change. */
function keyOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(ROOT, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function filesOf(path: string): string[] {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => !name.startsWith(join('explorer', 'dist')))
    .filter((name) => statSync(join(ROOT, name)).isFile())
    .sort();
}
