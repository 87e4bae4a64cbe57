// Builds everything that is published, from nothing: the kernels, then the TypeScript; prints sizes.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { writeManifest } from './manifest.mjs';
import { writeNano } from './nano.mjs';

const root = new URL('../', import.meta.url);

function run(tool, ...args) {
  const bin = new URL(`node_modules/.bin/${tool}`, root);
  const { status, error } = spawnSync(fileURLToPath(bin), args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(new URL('dist', root), { recursive: true, force: true });
writeManifest();
run('asc', '--config', 'asconfig.json', '--target', 'release');
run('tsc', '-p', 'tsconfig.json');
const nanoBytes = writeNano();

const wasm = readFileSync(new URL('dist/taesd.wasm', root));
console.log(`dist/nano.js     ${nanoBytes} bytes of weights`);
console.log(
  `dist/taesd.wasm  ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzipped`,
);
