// Builds everything that is published, from nothing: the kernels, then the TypeScript; prints what
// comes over the wire of each part, and fails where that is more than .size-limit.mjs allows.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
writePlainImport('dist/weights/locate.js');
writeKernels();
writeNano();
// npx links it once and makes it executable, but not again when it is another file.
chmodSync(new URL('dist/cli/main.js', root), 0o755);
checkSizes();

/**
 * TypeScript wraps `import(address)` into a helper that would change the endings of relative paths; terser makes two
 * arguments of that, which no runtime takes.
 */
function writePlainImport(path) {
  const url = new URL(path, root);
  const plain = readFileSync(url, 'utf8')
    .replace(/^var __rewriteRelativeImportExtension = .*?^};\n/ms, '')
    .replace(/import\(__rewriteRelativeImportExtension\((.*)\)\)/, 'import($1)');
  if (plain.includes('__rewrite'))
    throw new Error(`${path}: TypeScript wraps it in another way now`);
  writeFileSync(url, plain);
}

/** Prints a line for each part; ends the build where one is over its limit. */
function checkSizes() {
  const bin = fileURLToPath(new URL('node_modules/.bin/size-limit', root));
  const { stdout, stderr, status } = spawnSync(bin, ['--json'], { cwd: root, encoding: 'utf8' });
  if (!stdout.startsWith('[')) throw new Error(`size-limit: ${stdout}${stderr}`);
  for (const { name, size, sizeLimit, passed } of JSON.parse(stdout)) {
    const [is, most] = [size, sizeLimit].map((bytes) => `${(bytes / 1000).toFixed(1)} kB`);
    console.log(`${passed ? '' : 'TOO LARGE '}${is.padStart(9)} of ${most.padEnd(9)} ${name}`);
  }
  if (status !== 0) process.exit(1);
}
