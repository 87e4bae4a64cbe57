// node scripts/site.mjs [FOLDER]
// Builds the site of the documentation into FOLDER, which defaults to `site`: the documents and the
// reference of the API by TypeDoc, the explorer below `explorer/`. All links are relative, so the
// folder works below any address. A broken link, a public type that is not exported, or any other
// warning of TypeDoc gives exit code 1. Run `npm run build` before.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const site = resolve(process.argv[2] ?? join(root, 'site'));

/** Runs a program in the repository, and ends with its exit code if that is not 0. */
function run(program, ...args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// TypeDoc needs another TypeScript than the package, so `docs` has packages of its own.
run('npm', 'ci', '--prefix', 'docs', '--no-audit', '--no-fund');
run('docs/node_modules/.bin/typedoc', '--options', 'docs/typedoc.json', '--out', site);
const explorer = join(site, 'explorer');
run('node_modules/.bin/vite', 'build', 'explorer', '--outDir', explorer, '--logLevel', 'warn');

const files = readdirSync(site, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
console.log(`${site}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
