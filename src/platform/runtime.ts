/*
 * What the runtime is and has. Node's own modules come by `process.getBuiltinModule`, a call where they are used, here and
 * everywhere in the library: it loads in a browser, a worker and an edge function untouched, and bundlers see no import
 * that they would have to resolve (esbuild and webpack refuse `import('node:fs')` in what is made for browsers).
 */

/**
 * True in Node (20.16, 22.3 and later) and in those that do as it does, such as Deno and Bun. Not in workerd, which has modules of
 * Node's by name, but no threads, and no files that outlive a request.
 */
export const isNodeLike = () =>
  typeof process !== 'undefined' &&
  typeof process.getBuiltinModule === 'function' &&
  globalThis.navigator?.userAgent !== 'Cloudflare-Workers';

/** An environment variable, or undefined where it is not set, there are none, or (Deno) leave to read it was not given. */
export function environmentVariable(name: string): string | undefined {
  if (typeof process === 'undefined') return undefined;
  try {
    return process.env?.[name];
  } catch {
    return undefined;
  }
}

/** Threads that can run at once. */
export function hardwareThreads(): number {
  if (!isNodeLike()) return globalThis.navigator?.hardwareConcurrency ?? 1;
  return process.getBuiltinModule('node:os').availableParallelism();
}

/**
 * Resolves in a task of its own. Browsers have no `setImmediate` and delay nested timers by 4 ms; a channel costs Node
 * 0.3 ms. Edge functions do not delay timers, and have no channels, or ones whose messages keep timers from firing
 * (workerd).
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else if (typeof Worker === 'undefined' || typeof MessageChannel === 'undefined') {
      setTimeout(resolve, 0);
    } else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }
  });
}
