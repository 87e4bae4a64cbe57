import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { contentSecurity } from './plugins/content-security.ts';
import { dreamLabels } from './plugins/dream-labels.ts';
import { firstFilters } from './plugins/first-filters.ts';
import { offline } from './plugins/offline.ts';
import { sample } from './plugins/sample.ts';
import { weights } from './plugins/weights.ts';
import { publicEntries } from './public-entries.ts';

const root = new URL('../', import.meta.url);

/** The page cites itself by it. */
const packageVersion = (): string =>
  JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version;

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
  define: { PACKAGE_VERSION: JSON.stringify(packageVersion()) },
  plugins: [firstFilters(), dreamLabels(), sample(), weights(), contentSecurity(), offline()],
});
