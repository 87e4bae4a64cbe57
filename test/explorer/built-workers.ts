import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, loadConfigFromFile } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The built files by their names: modules as text, and the others, which lie below `weights/`. */
export interface BuiltWorkers {
  /** By path, for the option `files` of `runOnPage`. `/workers.js` starts them. */
  readonly modules: Readonly<Record<string, string>>;
  readonly assets: ReadonlyMap<string, Uint8Array>;
}

/** Builds the page's workers with the page's own settings, without the page and its plugins. */
export async function builtWorkers(): Promise<BuiltWorkers> {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-workers-'));
  const output = {
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // `runOnPage` serves other files than modules from there.
    assetFileNames: 'weights/[name]-[hash][extname]',
  };
  const env = { command: 'build', mode: 'production' } as const;
  const page = await loadConfigFromFile(env, join(ROOT, 'explorer/vite.config.ts'));
  if (page === null) throw new Error('the page has no settings');
  const { root = ROOT, base = './', resolve = {}, build: how } = page.config;
  try {
    await build({
      ...{ configFile: false, root, base, resolve },
      logLevel: 'error',
      build: {
        ...how,
        outDir: folder,
        emptyOutDir: true,
        rolldownOptions: {
          input: { workers: join(ROOT, 'explorer/src/engine/workers.ts') },
          preserveEntrySignatures: 'strict',
          output,
        },
      },
      worker: {
        format: 'es',
        rolldownOptions: { output: { ...output, entryFileNames: 'chunks/[name]-[hash].js' } },
      },
    });
    const modules: Record<string, string> = {};
    const assets = new Map<string, Uint8Array>();
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = name.replaceAll('\\', '/');
      if (path.endsWith('.js')) modules[`/${path}`] = readFileSync(join(folder, name), 'utf8');
      else if (/^weights\/.*\.\w+$/.test(path)) {
        assets.set(path.slice('weights/'.length), readFileSync(join(folder, name)));
      }
    }
    return { modules, assets };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
