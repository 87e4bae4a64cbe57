// node scripts/jsr.mjs SCOPE [FOLDER]   after `npm run build`: makes FOLDER, which defaults to
// out/jsr, for `npx deno publish --no-check --allow-dirty` in it. SCOPE is the publisher's at
// jsr.io, without its @.
// A build has no types that only the package uses, and a check would miss them: hence --no-check.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Left out: the command, the single modules for CDNs, the kernels as text, workerd's entry. */
const LEFT_OUT = /^dist\/(?:cli|one-file)(?:\/|$)|\.wat$|^dist\/[\w.-]+\.min\.|^dist\/workerd\./;

/**
 * Returns JSR's manifest: the entries that are modules, and what their bare imports stand for.
 *
 * @param {Record<string, any>} manifest  npm's
 * @param {string} scope
 */
export function jsrManifest(manifest, scope) {
  if (!/^[a-z][a-z0-9-]{1,19}$/.test(scope)) {
    throw new Error(
      `SCOPE expected 2 to 20 of a to z, 0 to 9 and -, the first a letter, got "${scope}"`,
    );
  }
  const { version, license, exports } = manifest;
  const entries = Object.entries(exports).flatMap(([name, { default: path }]) =>
    path?.endsWith('.js') && !LEFT_OUT.test(path.slice(2)) ? [[name, path]] : [],
  );
  const libraries = { ...manifest.dependencies, ...manifest.optionalDependencies };
  // The optional ones are imported by their files' paths, with a slash behind the name.
  const imports = Object.entries(libraries).flatMap(([name, range]) => [
    [name, `npm:${name}@${range}`],
    [`${name}/`, `npm:/${name}@${range}/`],
  ]);
  return {
    name: `@${scope}/${manifest.name}`,
    version,
    license,
    exports: Object.fromEntries(entries),
    imports: Object.fromEntries(imports),
    compilerOptions: { lib: ['dom', 'dom.iterable', 'dom.asynciterable', 'deno.ns', 'esnext'] },
    // A build is no part of the repository, and JSR reads .gitignore.
    publish: { exclude: ['!dist'] },
  };
}

/** Makes the folder: the build, each module with the address of its types, as JSR asks. */
function makeFolder(scope, folder) {
  if (!existsSync(join(ROOT, 'dist/index.js'))) {
    throw new Error('dist expected a build, got none (npm run build)');
  }
  const isOwn = existsSync(join(folder, 'jsr.json'));
  if (!isOwn && existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`FOLDER expected an empty folder or one of this script, got "${folder}"`);
  }
  const manifest = jsrManifest(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')), scope);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !LEFT_OUT.test(relative(ROOT, path).replaceAll('\\', '/')),
  });
  for (const name of ['README.md', 'LICENSE']) cpSync(join(ROOT, name), join(folder, name));
  writeFileSync(join(folder, 'jsr.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const files = new Set(readdirSync(folder, { recursive: true }));
  for (const file of files) {
    const edit = editFor(file, files);
    if (edit === undefined) continue;
    writeFileSync(join(folder, file), edit(readFileSync(join(folder, file), 'utf8')));
  }
}

/**
 * Returns the edit that JSR needs in a file: a module names its types, types import files by their
 * names, and nothing declares a global type.
 *
 * @param {string} file
 * @param {ReadonlySet<string>} files  all names
 * @returns {((code: string) => string) | undefined}
 */
function editFor(file, files) {
  if (file.endsWith('.d.ts')) {
    return (code) =>
      code
        .replace(/(['"]\.[^'"]*?)(?:\.d)?\.ts(?=['"])/g, '$1.d.ts')
        .replace(/^declare global \{$[\s\S]*?^\}$/m, '');
  }
  const types = file.replace(/\.js$/, '.d.ts');
  if (types === file || !files.has(types)) return undefined;
  return (code) => `/* @ts-self-types="./${basename(types)}" */\n${code}`;
}

function main([scope, folder = join(ROOT, 'out/jsr')]) {
  if (scope === undefined) {
    console.error('usage: node scripts/jsr.mjs SCOPE [FOLDER]');
    return 2;
  }
  try {
    makeFolder(scope, folder);
  } catch (error) {
    console.error(error.message);
    return 1;
  }
  console.log(`${folder} is ready for npx deno publish --no-check --allow-dirty`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
