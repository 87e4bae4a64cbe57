/*
 * What the runtime is and has. Node's own modules come by `process.getBuiltinModule`, a call where they are used, here and
 * everywhere in the library: it loads in a browser, a worker and an edge function untouched, and bundlers see no import
 * that they would have to resolve (esbuild and webpack refuse `import('node:fs')` in what is made for browsers).
 */

/**
 * True in Node (from 20.16 on) and in those that do as it does, such as Deno and Bun. Not in workerd, which has modules of
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
