/*
 * The runtime, and what it has. Node's own modules come from `process.getBuiltinModule`, called
 * where they are used, here and everywhere in the library. Such a file loads unchanged in a
 * browser, a worker and an edge function, and bundlers see no import to resolve: esbuild and
 * webpack refuse `import('node:fs')` in code for browsers.
 */

/**
 * Returns true in Node (20.16, 22.3 and later) and in runtimes with its modules: Deno and Bun.
 * Returns false in workerd, which has some of the modules, but no threads, and no files that
 * outlive a request; and in Next's edge runtime, in which every function of `process` throws.
 */
export const isNodeLike = () =>
  typeof process !== 'undefined' &&
  typeof process.getBuiltinModule === 'function' &&
  globalThis.navigator?.userAgent !== 'Cloudflare-Workers' &&
  !('EdgeRuntime' in globalThis);

/** Returns true in Node itself, and false in the other runtimes with its modules. */
export const isNode = (): boolean =>
  isNodeLike() && !('Deno' in globalThis) && !('Bun' in globalThis);

/** Returns true if the runtime has workers. A service worker has none. */
export const hasWorkers = (): boolean => isNodeLike() || typeof Worker !== 'undefined';

/**
 * Returns an environment variable; undefined if it is not set, the runtime has none, or Deno was
 * not given the permission to read it.
 */
export function environmentVariable(name: string): string | undefined {
  if (typeof process === 'undefined') return undefined;
  try {
    return process.env?.[name];
  } catch {
    return undefined;
  }
}

/** Returns the number of threads that can run at the same time. */
export function hardwareThreads(): number {
  if (!isNodeLike()) return globalThis.navigator?.hardwareConcurrency ?? 1;
  return process.getBuiltinModule('node:os').availableParallelism();
}
