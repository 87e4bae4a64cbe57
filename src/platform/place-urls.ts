import { expected } from '../errors.ts';
import { isNodeLike } from './runtime.ts';

/*
 * Places that people name, as paths or URLs: what their URLs are, and whether something is there.
 */

/**
 * The URL of a file or folder given as a path or URL; relative paths count from the working folder or the page.
 *
 * @throws TaesdError ARG where it is neither, or a URL below which there are no others (`data:`, `blob:`, `hf:x`)
 */
export function urlOf(place: string | URL): URL {
  const text = String(place);
  if (!isUrlText(text) && isNodeLike()) {
    const { pathToFileURL } = process.getBuiltinModule('node:url');
    return pathToFileURL(text);
  }
  try {
    const url = new URL(text, globalThis.location?.href);
    // Throws where the path does not consist of folders.
    new URL('file', url);
    return url;
  } catch (cause) {
    const hint = 'such as weights, file:///weights or https://host/weights';
    throw expected('ARG', 'weights', 'a folder or URL', text, { hint, cause });
  }
}

/** One letter before the colon is a Windows drive, not a scheme. */
const isUrlText = (text: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(text);

/** What is called `name` in a folder, with a slash at its end or without. */
export function urlInFolder(folder: URL, name: string): URL {
  const slashed = new URL(folder);
  if (!slashed.pathname.endsWith('/')) slashed.pathname += '/';
  return new URL(name, slashed);
}

/** Asks whether there is such a folder (`file:`). */
export async function isFolderThere(url: URL): Promise<boolean> {
  const { stat } = process.getBuiltinModule('node:fs/promises');
  return stat(url).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Asks whether there is such a file, without reading it: for HTTP by a HEAD request.
 *
 * @returns false also where nobody can tell
 */
export async function isUrlThere(url: URL): Promise<boolean> {
  try {
    if (url.protocol === 'file:') {
      const { stat } = process.getBuiltinModule('node:fs/promises');
      return (await stat(url)).isFile();
    }
    return (await fetch(url, { method: 'HEAD' })).ok;
  } catch {
    return false;
  }
}
