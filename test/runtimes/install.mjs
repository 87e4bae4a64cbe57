// The runtimes that are npm packages, in a folder of their own: they have 600 MB, and `npm ci` is
// to know nothing of them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { run } from './spawn.mjs';

/** All versions, in one place. Chromium and Firefox are the system's. */
const VERSIONS = {
  node: '26.10.0',
  node20: '20.20.2',
  deno: '2.9.6',
  bun: '1.4.5',
  workerd: '1.20261117.1',
  vite: '8.3.8',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
  vue: '3.5.45',
  p5: '2.3.4',
  'onnxruntime-web': '1.30.0',
  webpack: '5.113.0',
  esbuild: '0.28.2',
  rollup: '4.68.8',
  '@rollup/plugin-node-resolve': '16.0.3',
  vitest: '4.1.12',
  jest: '30.5.2',
  'jest-environment-jsdom': '30.5.2',
  jsdom: '26.1.0',
  wrangler: '4.86.0',
};

const FOLDER = new URL('installed/', import.meta.url);
/** Programs that need an installed package lie in a folder in here. */
export const INSTALLED = fileURLToPath(FOLDER);
const { platform, arch } = process;
const nodePackage = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;

/** Which package has the program, of those that the installed one depends on. */
const PROGRAMS = {
  node: 'node/bin/node',
  node20: 'node20/bin/node',
  deno: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}/deno`,
  bun: `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : arch}/bin/bun`,
  workerd: `@cloudflare/workerd-${platform}-${arch === 'x64' ? '64' : arch}/bin/workerd`,
  vite: 'vite/bin/vite.js',
  next: 'next/dist/bin/next',
  react: 'react/index.js',
  'react-dom': 'react-dom/index.js',
  vue: 'vue/dist/vue.runtime.esm-browser.prod.js',
  p5: 'p5/package.json',
  'onnxruntime-web': 'onnxruntime-web/dist/ort.webgpu.bundle.min.mjs',
  webpack: 'webpack/lib/index.js',
  esbuild: 'esbuild/lib/main.js',
  rollup: 'rollup/dist/rollup.js',
  '@rollup/plugin-node-resolve': '@rollup/plugin-node-resolve/dist/es/index.js',
  vitest: 'vitest/vitest.mjs',
  jest: 'jest/bin/jest.js',
  'jest-environment-jsdom': 'jest-environment-jsdom/build/index.js',
  jsdom: 'jsdom/lib/api.js',
  wrangler: 'wrangler/bin/wrangler.js',
};

const isNode20 = process.versions.node.startsWith('20.');

/** The spec of each package, under the name that it is installed as. */
const specOf = (name) => {
  const version = VERSIONS[name];
  return name.startsWith('node') ? `${name}@npm:${nodePackage}@${version}` : `${name}@${version}`;
};

/**
 * Installs what is missing of the runtimes. Install scripts, which download, are not run: the
 * binaries are in packages.
 *
 * @returns name → { program } or { reason } why it cannot be had
 */
export async function installRuntimes(names) {
  mkdirSync(FOLDER, { recursive: true });
  // Otherwise npm takes the project's folder for its own.
  if (!existsSync(new URL('package.json', FOLDER))) {
    writeFileSync(new URL('package.json', FOLDER), '{ "private": true }\n');
  }
  /** @type {Record<string, { program?: string, reason?: string }>} */
  const found = {};
  const wanted = names.filter((name) => {
    if (name !== 'node20' || !isNode20) return true;
    found.node20 = { program: process.execPath };
    return false;
  });
  const reasons = {};
  const missing = wanted.filter((name) => !isInstalled(name));
  if (missing.length > 0) {
    await npmInstall(missing).catch(async () => {
      // One that is not to be had must not keep the others away.
      for (const name of missing) {
        await npmInstall([name]).catch((error) => {
          reasons[name] = error.message;
        });
      }
    });
  }
  for (const name of wanted) {
    const reason = reasons[name] ?? `${specOf(name)} has no program for ${platform} ${arch}`;
    found[name] = isInstalled(name) ? { program: programPath(name) } : { reason };
  }
  return found;
}

/** A package that is installed here, such as the bundler that Vite works with. */
export const requireInstalled = createRequire(new URL('package.json', FOLDER));

async function npmInstall(names) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const args = ['install', '--ignore-scripts', '--save-exact', ...quiet, ...names.map(specOf)];
  await run('npm', args, { cwd: fileURLToPath(FOLDER), seconds: 240 });
}

const programPath = (name) => fileURLToPath(new URL(`node_modules/${PROGRAMS[name]}`, FOLDER));

/** The program, where it is installed already. */
export const installedProgram = (name) => (isInstalled(name) ? programPath(name) : undefined);

function isInstalled(name) {
  try {
    const manifest = new URL(`node_modules/${name}/package.json`, FOLDER);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return version === VERSIONS[name] && existsSync(programPath(name));
  } catch {
    return false;
  }
}
