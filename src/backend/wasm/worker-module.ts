import { originalFile } from '../../platform/package-file.ts';
import type { ThreadModule } from '../../platform/threads.ts';

/**
 * The worker in dist/, as seen from `src/backend/wasm` and from `dist/backend/wasm`. Vite, webpack,
 * Turbopack and Parcel bundle what `new Worker(new URL('…', import.meta.url))` names, if it is
 * written in just this way. The other address is hidden from them: they would copy the file a
 * second time, without what it imports. Files that hold the whole package have
 * `one-file/worker-module.ts` in place of this.
 */
export const WORKER: ThreadModule = {
  worker: () =>
    new Worker(new URL('../../../dist/backend/wasm/worker.js', import.meta.url), {
      type: 'module',
    }),
  url: () => originalFile(WORKER_PATH, HERE),
  isElsewhere: () => {
    const { origin, protocol, pathname } = new URL(HERE);
    // Bundlers move this code to files of other names, and know where the worker lies.
    const isBundled = !pathname.endsWith('/backend/wasm/worker-module.js');
    return /^https?:$/.test(protocol) && origin !== globalThis.origin && !isBundled;
  },
};
const WORKER_PATH = '../../../dist/backend/wasm/worker.js';
const HERE = import.meta.url;
