import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { contentSecurity } from './content-security.ts';
import { sample } from './sample-plugin.ts';
import { weights } from './weights-plugin.ts';

const root = new URL('../', import.meta.url);

/**
 * The package as it is published: each entry of its `exports`, and nothing else of it. A page that imports anything
 * deeper does not build.
 */
function publicEntries() {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  return Object.entries<string | { default: string }>(exports).map(([entry, target]) => ({
    find: new RegExp(`^${name}${entry.slice(1).replaceAll('.', '\\.')}$`),
    replacement: fileURLToPath(new URL(typeof target === 'string' ? target : target.default, root)),
  }));
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that the folder works below any address.
  base: './',
  resolve: { alias: publicEntries() },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Nothing as a data: URL, which a strict policy would have to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { fs: { allow: [fileURLToPath(root)] } },
  plugins: [sample(), weights(), contentSecurity()],
});
