import { expected, TaesdError, withoutPasswords } from '../errors.ts';
import { bareRequest } from './credentials.ts';
import { isNodeLike } from './runtime.ts';

/*
 * Locations that people name by a path or a URL.
 */

/**
 * Returns the URL of a file or folder. Relative paths start at the working folder or the page.
 *
 * @param what      the name of the option, for the error
 * @param location  a path or a URL
 * @throws TaesdError ARG (neither of them, or a URL that has no files below it: `data:`, `blob:`,
 *   `hf:x`)
 */
export function urlOf(what: string, location: string | URL): URL {
  const text = String(location);
  if (!isUrlText(text) && isNodeLike()) {
    const { pathToFileURL } = process.getBuiltinModule('node:url');
    return pathToFileURL(text);
  }
  try {
    const url = new URL(text, globalThis.location?.href);
    // Throws if the path does not consist of folders.
    new URL('file', url);
    return url;
  } catch (cause) {
    const hint = 'such as weights, file:///weights or https://host/weights';
    // Node's error has the address.
    const details = withoutPasswords(text) === text ? { hint, cause } : { hint };
    throw expected('ARG', what, 'a folder or URL', text, details);
  }
}

/** One letter before the colon is a Windows drive, not a scheme. */
const isUrlText = (text: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(text);

/**
 * Returns the URL of the file `name` in a folder. The folder's URL may lack the slash at its end.
 */
export function urlInFolder(folder: URL, name: string): URL {
  const slashed = new URL(folder);
  if (!slashed.pathname.endsWith('/')) slashed.pathname += '/';
  return new URL(name, slashed);
}

/** Checks whether a `file:` URL is a folder. */
export async function folderExists(url: URL): Promise<boolean> {
  const { stat } = process.getBuiltinModule('node:fs/promises');
  return stat(url).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Checks whether a URL is a file, without reading it. Over HTTP it sends a HEAD request.
 *
 * @returns false also if the server does not answer, or not with a status of success
 * @throws TaesdError ARG (a proxy of the command that is wrong)
 */
export async function fileExists(url: URL): Promise<boolean> {
  try {
    if (url.protocol === 'file:') {
      const { stat } = process.getBuiltinModule('node:fs/promises');
      return (await stat(url)).isFile();
    }
    const { url: bare, headers } = bareRequest(url);
    return (await fetch(bare, { method: 'HEAD', headers })).ok;
  } catch (error) {
    // A `fetch` that the program has replaced made it. It is no answer of a server.
    if (error instanceof TaesdError) throw error;
    return false;
  }
}
