// Installs esbuild and workerd into npm/ if a version is missing. Install scripts are not run: both
// packages bring their programs as packages of their own.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('npm/', import.meta.url));
const readJson = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

/** The packages with workerd's program, by platform. */
const WORKERD_PACKAGES = {
  'linux x64': 'workerd-linux-64',
  'linux arm64': 'workerd-linux-arm64',
  'darwin x64': 'workerd-darwin-64',
  'darwin arm64': 'workerd-darwin-arm64',
  'win32 x64': 'workerd-windows-64',
};

function installTools() {
  const wanted = Object.entries(readJson('npm/package.json').dependencies);
  if (wanted.every(([name, version]) => installed(name) === version)) return;
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const { status, error } = spawnSync('npm', [...args, '--loglevel=error'], {
    cwd: fileURLToPath(new URL('npm/', import.meta.url)),
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm install of esbuild and workerd: exit ${status}`);
}

function installed(name) {
  try {
    return readJson(`npm/node_modules/${name}/package.json`).version;
  } catch {
    return undefined;
  }
}

/** @returns esbuild's module */
export function loadEsbuild() {
  installTools();
  return require('esbuild');
}

/** @returns {string} the path of the program itself, so that its own process is measured */
export function workerdPath() {
  installTools();
  const name = WORKERD_PACKAGES[`${process.platform} ${process.arch}`];
  if (name === undefined) throw new Error(`workerd: none for ${process.platform} ${process.arch}`);
  const program = process.platform === 'win32' ? 'workerd.exe' : 'workerd';
  return require.resolve(`@cloudflare/${name}/bin/${program}`);
}

/** @returns {string} */
export const workerdVersion = () => installed('workerd');
