// Builds the published files from scratch: the kernels, then the TypeScript. Prints the gzipped
// size of each bundle, and fails if one is larger than .size-limit.mjs allows.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeKernels, writeNanos } from './inline.mjs';
import { writeManifest } from './manifest.mjs';
import { writeOneFiles } from './one-file.mjs';

const root = new URL('../', import.meta.url);

function run(tool, ...args) {
  const bin = new URL(`node_modules/.bin/${tool}`, root);
  const { status, error } = spawnSync(fileURLToPath(bin), args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(new URL('dist', root), { recursive: true, force: true });
writeManifest();
compileKernels('taesd');
compileKernels('taesd.relaxed', 'assembly/relaxed.ts', '--enable', 'relaxed-simd');
run('tsc', '-p', 'tsconfig.json');
writePlainImport('dist/weights/in-package.js');
writePlainImport('dist/one-file/beside.js');
writeKernels();
writeNanos();
await writeOneFiles();
// npx makes the file executable only when it first links it; this build has replaced the file.
chmodSync(new URL('dist/cli/main.js', root), 0o755);
checkSizes();

/**
 * Replaces TypeScript's wrapper around `import(address)`, which rewrites the endings of relative
 * paths, by the plain call. terser turns the wrapped call into an import with two arguments, which
 * no runtime accepts.
 */
function writePlainImport(path) {
  const url = new URL(path, root);
  const plain = readFileSync(url, 'utf8')
    .replace(/^var __rewriteRelativeImportExtension = .*?^};\n/ms, '')
    .replace(/import\(__rewriteRelativeImportExtension\((.*)\)\)/g, 'import($1)');
  if (plain.includes('__rewrite'))
    throw new Error(`${path}: expected TypeScript’s wrapper around import(), got another`);
  writeFileSync(url, plain);
}

/**
 * Compiles the kernels to dist/. Rejects static data, such as the table of `Mathf.exp`: buffers
 * would overwrite it.
 */
function compileKernels(name, ...more) {
  const [wasm, wat] = [`dist/${name}.wasm`, `dist/${name}.wat`];
  run('asc', '--config', 'asconfig.json', '--target', 'release', '-o', wasm, '-t', wat, ...more);
  if (!readFileSync(new URL(wat, root), 'utf8').includes('(data ')) return;
  throw new Error(`${name}: expected kernels without static data, got a data segment`);
}

/** Prints a line for each bundle. Ends the build if one is over its limit. */
function checkSizes() {
  const bin = fileURLToPath(new URL('node_modules/.bin/size-limit', root));
  const { stdout, stderr, status } = spawnSync(bin, ['--json'], { cwd: root, encoding: 'utf8' });
  if (!stdout.startsWith('[')) throw new Error(`size-limit: ${stdout}${stderr}`);
  for (const { name, size, sizeLimit, passed } of JSON.parse(stdout)) {
    const [actual, limit] = [size, sizeLimit].map((bytes) => `${(bytes / 1000).toFixed(1)} kB`);
    console.log(`${passed ? '' : 'TOO LARGE '}${actual.padStart(9)} of ${limit.padEnd(9)} ${name}`);
  }
  if (status !== 0) process.exit(1);
}
