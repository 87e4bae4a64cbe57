import { expected, messageOf, TaesdError } from '../errors.ts';
import { isNodeLike } from './runtime.ts';

/** The remedy where a program may load nothing later. */
const ONE_FILE =
  'one file loads nothing later: import taesd-wasm from dist/taesd.all.min.js, or bundle your code into one file';

/**
 * Loads a part of the package that few programs need, at its first use. All parts come through
 * here, so that no other error than these leaves a public call.
 *
 * @param load  `() => import('./part.ts')`, written out, because bundlers look for that form
 * @param instead  a way around the part, for the remedy
 * @throws TaesdError UNSUPPORTED (a service worker, which has no `import()`; a runtime that loads
 *   nothing later), NETWORK (a page or worker whose server did not send the part)
 */
export async function lazily<Part>(load: () => Promise<Part>, instead?: string): Promise<Part> {
  try {
    // Bundlers write other code in its place, which may also throw before there is a promise.
    return await load();
  } catch (cause) {
    // Files that lack a part on purpose say so themselves.
    if (cause instanceof TaesdError) throw cause;
    throw noPart(cause, instead);
  }
}

/** Makes the error for a part that did not load. See `lazily`. */
export function noPart(cause: unknown, instead?: string): TaesdError {
  const got = messageOf(cause);
  if (!isNodeLike() && !isServiceWorker() && typeof location !== 'undefined') {
    // The browser's words are those of `fetch`. A part that came and failed is another thing.
    const isFetch = (cause as Error | null)?.name === 'TypeError';
    const hint = isFetch
      ? 'no network, or a new version on the server? load the page again'
      : undefined;
    return expected('NETWORK', 'import()', 'a part of taesd-wasm', got, { hint, cause });
  }
  const api = [...(instead === undefined ? [] : [instead]), ONE_FILE].join('; ');
  const rule = 'to load a part of taesd-wasm';
  return expected('UNSUPPORTED', 'import()', rule, got, { remedy: { api }, cause });
}

/** Returns true in a service worker. It may import only what it names when it is installed. */
export const isServiceWorker = (): boolean => 'ServiceWorkerGlobalScope' in globalThis;
