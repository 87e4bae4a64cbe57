import { allocateBytes } from './allocate.ts';
import { expected, TaesdError } from './errors.ts';
import { isMissing } from './system-errors.ts';

/*
 * What differs between Node-like runtimes and others when files, addresses and the environment are concerned. Node's own
 * modules come by `process.getBuiltinModule`, a call where they are used: this file loads in a browser, a worker and an
 * edge function untouched, and bundlers see no import that they would have to resolve (esbuild and webpack refuse
 * `import('node:fs')` in what is made for browsers).
 */

/** The most that is read: the largest file of these models' weights has 10 MB. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * Reads a file (`file:`) or fetches a URL (anything else).
 *
 * @returns its bytes, or undefined where there is no such file (for HTTP: 404 and 410)
 * @throws TaesdError ARG where it is there but cannot be read, or is cut off on its way; LIMIT where it is longer than
 *   `maxBytes`, of which no more than that is read; OOM
 */
export async function readUrl(
  where: string,
  url: URL,
  maxBytes = MAX_FILE_BYTES,
): Promise<Uint8Array | undefined> {
  if (url.protocol === 'file:') {
    try {
      const { readFile, stat } = process.getBuiltinModule('node:fs/promises');
      const { size } = await stat(url);
      if (size > maxBytes) throw tooLong(where, url, maxBytes, `${size}`);
      return await readFile(url);
    } catch (cause) {
      if (cause instanceof TaesdError) throw cause;
      if (isMissing(cause)) return undefined;
      throw expected('ARG', where, url.href, 'a readable file', reason(cause), undefined, {
        cause,
      });
    }
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw expected('ARG', where, url.href, 'an answer', reason(cause), 'no network?', { cause });
  }
  if (response.ok) return readBody(where, url, response, maxBytes);
  await response.body?.cancel().catch(() => undefined);
  if (response.status === 404 || response.status === 410) return undefined;
  throw expected('ARG', where, url.href, 'HTTP status 200 to 299', `${response.status}`);
}

/** The body of an answer, of which a server may say anything or nothing: piece by piece, up to the limit. */
async function readBody(
  where: string,
  url: URL,
  response: Response,
  maxBytes: number,
): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length'));
  if (announced > maxBytes) {
    await response.body?.cancel().catch(() => undefined);
    throw tooLong(where, url, maxBytes, `${announced}`);
  }
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read().catch((cause: unknown) => {
      const hint = 'the connection was cut?';
      throw expected('ARG', where, url.href, 'the whole answer', reason(cause), hint, { cause });
    });
    if (piece === undefined || piece.done) break;
    length += piece.value.length;
    if (length > maxBytes) {
      await reader?.cancel().catch(() => undefined);
      throw tooLong(where, url, maxBytes, 'more');
    }
    pieces.push(piece.value);
  }
  const bytes = allocateBytes(where, url.href, length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const tooLong = (where: string, url: URL, maxBytes: number, got: string): TaesdError =>
  expected('LIMIT', where, url.href, `at most ${maxBytes} bytes`, got, 'another file?');

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

/**
 * The URL of a file or folder given as a path or URL; relative paths count from the working folder or the page.
 *
 * @throws TaesdError ARG where it is neither, or a URL below which there are no others (`data:`, `blob:`, `hf:x`)
 */
export async function urlOf(where: string, place: string | URL): Promise<URL> {
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
    throw expected('ARG', where, 'weights', 'a folder or URL', text, hint, { cause });
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

/** True in Node (from 20.16 on) and in those that do as it does, such as Deno and Bun. */
export const isNodeLike = () =>
  typeof process !== 'undefined' && typeof process.getBuiltinModule === 'function';

/** An environment variable, or undefined where there are none. */
export function environmentVariable(name: string): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.[name];
}

/** What an error says, in one line. */
function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
}

/** Threads that can run at once. */
export function hardwareThreads(): number {
  if (!isNodeLike()) return globalThis.navigator?.hardwareConcurrency ?? 1;
  return process.getBuiltinModule('node:os').availableParallelism();
}
