// Checks the package as its users get it: the size of its tarball, then publint and
// @arethetypeswrong/cli.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const { messages } = await publint({ pkgDir: root, strict: true });
// publint takes the query of `./dist/taesd.wasm?module` for a part of the file's name.
const isQuery = (key) => /^\.\/taesd\.(?:relaxed\.)?wasm\?/.test(key);
const faults = messages.filter(({ path }) => !path.some(isQuery));
for (const fault of faults) console.error(formatMessage(fault, manifest));

// A `.wasm` is no module that Node 20 could load.
const kernels = Object.keys(manifest.exports).filter((key) => /\.wasm(?:\?|$)/.test(key));
const attw = fileURLToPath(new URL('../node_modules/.bin/attw', import.meta.url));
const excluded = ['--exclude-entrypoints', ...kernels.map((key) => key.slice(2))];
const args = ['--pack', '.', '--profile', 'esm-only', ...excluded];
const { status } = spawnSync(attw, args, { cwd: root, stdio: 'inherit' });

/** The small models are 2.1 MB of it. */
const MAX_TARBALL_BYTES = 3.0e6;
const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
const { stdout } = spawnSync('npm', pack, { cwd: root, encoding: 'utf8' });
const [{ size }] = JSON.parse(stdout);
const isSmall = size <= MAX_TARBALL_BYTES;
const [words, limit] = [size, MAX_TARBALL_BYTES].map((bytes) => `${(bytes / 1e6).toFixed(2)} MB`);
console.log(`${isSmall ? '' : 'TOO LARGE '}tarball: ${words} of ${limit}`);
process.exit(faults.length === 0 && status === 0 && isSmall ? 0 : 1);
