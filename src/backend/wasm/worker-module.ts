import { originalFile } from '../../platform/package-file.ts';
import type { ThreadModule } from '../../platform/threads.ts';

/**
 * The worker in dist/, as seen from `src/backend/wasm` and from `dist/backend/wasm`. Vite, webpack,
 * Turbopack and Parcel bundle what `new Worker(new URL('…', import.meta.url))` names, if it is
 * written in just this way. The other address is hidden from them: they would copy the file a
 * second time, without what it imports.
 */
export const WORKER: ThreadModule = {
  worker: () =>
    new Worker(new URL('../../../dist/backend/wasm/worker.js', import.meta.url), {
      type: 'module',
    }),
  url: () => originalFile(WORKER_PATH, import.meta.url),
};
const WORKER_PATH = '../../../dist/backend/wasm/worker.js';
