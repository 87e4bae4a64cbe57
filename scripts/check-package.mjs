// Checks the package as its users get it, with publint and @arethetypeswrong/cli.
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
process.exit(faults.length === 0 && status === 0 ? 0 : 1);
