import { isNodeLike } from './runtime.ts';

/*
 * The files of this package that its code looks for: the kernels, the worker, `nano`. Bundlers copy
 * a file that `new URL('…', import.meta.url)` names, and put the address of the copy there. A page
 * has nothing but the copy. On a server the copy may be of no use: Next's webpack gives its address
 * on the site, and Turbopack copies modules without what they import, to where Node takes them for
 * CommonJS. But there the original is at hand, as long as the code knows where it came from.
 */

/** Returns remedies and, on a server, one more: its bundle may have neither original nor copy. */
export const orKeepOut = (remedies: string): string =>
  isNodeLike() ? `${remedies}; ${KEEP_OUT}` : remedies;

/** The remedy on a server. */
export const KEEP_OUT =
  "keep the package out of a server's bundle: serverExternalPackages: ['taesd-wasm'] in Next, external in other bundlers";

/**
 * Returns the address of a file of this package. The arguments go through this function because
 * bundlers also copy the files of a `new URL` whose arguments they can compute.
 *
 * @param path  the path from `here`
 * @param here  `import.meta.url` of the caller
 * @throws TypeError (`here` is no URL, as in code bundled to CommonJS)
 */
export const originalFile = (path: string, here: string): URL => new URL(path, here);

/**
 * Returns the addresses of a file of this package, in the order in which to try them.
 *
 * @param copy  returns the address that bundlers replace
 * @param path  as in `originalFile`
 * @param here  as in `originalFile`
 * @throws TypeError, as `originalFile`
 */
export function packageFile(copy: () => URL, path: string, here: string): URL[] {
  const url = copy();
  if (!isNodeLike()) return [url];
  const original = originalFile(path, here);
  return url.protocol === 'file:' && url.href !== original.href ? [original, url] : [original];
}
