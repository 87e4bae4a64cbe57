// Builds everything that is published, from nothing: the kernels, then the TypeScript; prints what
// comes over the wire of each part, and fails where that is more than .size-limit.mjs allows.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeKernels, writeNano } from './inline.mjs';
import { writeManifest } from './manifest.mjs';

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
writeKernels();
writeNano();
run('size-limit');
