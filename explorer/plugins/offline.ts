import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/** The service worker's file, beside `index.html`: a worker governs its own folder alone. */
const WORKER = 'offline.js';

/**
 * Builds `src/offline-worker.ts` into `offline.js`, and writes into it the page's files and their
 * hash. Another hash is another worker, which the browser notices at the next visit.
 */
export function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    buildStart() {
      this.emitFile({ type: 'chunk', id: 'src/offline-worker.ts', fileName: WORKER });
    },
    generateBundle: {
      // After the plugins that emit files.
      order: 'post',
      handler(_, bundle) {
        const worker = bundle[WORKER];
        if (worker?.type !== 'chunk') return this.error(`expected ${WORKER} among the files`);
        if (worker.imports.length > 0) this.error(`expected ${WORKER} to import nothing`);
        const files = Object.values(bundle).filter(({ fileName }) => fileName !== WORKER);
        files.sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
        const hash = createHash('sha256').update(worker.code);
        for (const file of files) {
          hash.update(`\n${file.fileName}\n`);
          hash.update(file.type === 'chunk' ? file.code : file.source);
        }
        const version = hash.digest('hex').slice(0, 12);
        // Hosts redirect `index.html` to its folder, and no redirected answer may be a page.
        const names = files.map(({ fileName }) => (fileName === 'index.html' ? './' : fileName));
        const values = `FILES=${JSON.stringify(names)},VERSION="${version}"`;
        worker.code = `const ${values};${worker.code}`;
      },
    },
  };
}
