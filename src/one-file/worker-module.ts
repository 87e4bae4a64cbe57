import { serve } from '../backend/wasm/serve.ts';
import type { ThreadModule } from '../platform/threads.ts';
import { here, wholeText } from './here.ts';

/*
 * Stands in for `backend/wasm/worker-module.ts` in the files that hold the whole package: a worker
 * runs the code of the page.
 */

/** The name of the workers. By it the code knows that it runs in one. */
const NAME = 'taesd-wasm worker';

/** A name of this file. Bundlers give other names to files that hold more than our code. */
const OUR_FILE = /\/taesd[\w.-]*\.min\.js$/;

export const WORKER: ThreadModule = {
  worker: () => new Worker(here(), { type: 'module', name: NAME }),
  url: () => new URL(here()),
  isElsewhere: () => {
    try {
      const { origin, pathname } = new URL(here());
      return origin !== globalThis.origin || !OUR_FILE.test(pathname);
    } catch {
      // A bundler's code may not know its own address.
      return true;
    }
  },
  script: () => `globalThis.name = ${JSON.stringify(NAME)};\n${wholeText()}`,
};

/** Makes this thread a worker of a pool if `WORKER` started it. */
export function serveIfWorker(): void {
  if (typeof document === 'undefined' && (globalThis as { name?: string }).name === NAME) serve();
}
