import { allocateBytes } from './allocate.ts';
import { expected, TaesdError } from './errors.ts';
import { isMissing } from './system-errors.ts';

/*
 * All that differs between Node-like runtimes and browsers outside the command line. Node's modules are imported
 * when they are used, so that this file loads in a browser, a worker and an edge function untouched.
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
      const { readFile, stat } = await import('node:fs/promises');
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
      const { stat } = await import('node:fs/promises');
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
    const { pathToFileURL } = await import('node:url');
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

/** True in Node and in those that do as it does, such as Deno and Bun. */
export const isNodeLike = () =>
  typeof process !== 'undefined' && process.versions?.node !== undefined;

/** An environment variable, or undefined where there are none. */
export function environmentVariable(name: string): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.[name];
}

/** What an error says, in one line. */
function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
}

/** A thread that takes messages of one type. */
export interface Thread<Message> {
  post(message: Message, transfer?: ArrayBufferLike[]): void;
  terminate(): void;
  /** Whether the process waits for it; a thread that has nothing to do must not keep it from ending. */
  keepAlive(alive: boolean): void;
}

/**
 * Starts a module in a thread of its own: in Node, Deno and Bun through `node:worker_threads`, elsewhere as a module
 * worker.
 *
 * @param onError  the thread has died
 * @throws TaesdError UNSUPPORTED where there are no workers
 */
export async function startThread<To, From>(
  url: URL,
  onMessage: (message: From) => void,
  onError: (error: Error) => void,
): Promise<Thread<To>> {
  if (isNodeLike()) {
    const { Worker } = await import('node:worker_threads');
    // Flags are inherited, and must not be handed on by hand: Node then refuses V8's, like --expose-gc. But those that go
    // with a script given on the command line keep a file from being loaded.
    const isScript = process.execArgv.some((flag) => flag.startsWith('--input-type'));
    const worker = new Worker(url, isScript ? { execArgv: [] } : {});
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', (code) => onError(new Error(`exited with code ${code}`)));
    return {
      post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
      terminate: () => void worker.terminate(),
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    };
  }
  if (typeof Worker === 'undefined') {
    throw expected('UNSUPPORTED', 'Taesd.load', 'Worker', 'a runtime with workers', 'none');
  }
  const worker = new Worker(url, { type: 'module' });
  worker.onmessage = ({ data }) => onMessage(data);
  worker.onerror = ({ message }) => onError(new Error(message || 'could not be started'));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
    terminate: () => worker.terminate(),
    keepAlive: () => {},
  };
}

/** In a thread: listens to the one that started it, and speaks to it. */
export async function parentThread<From, To>(
  onMessage: (message: From) => void,
): Promise<Pick<Thread<To>, 'post'>> {
  if (isNodeLike()) {
    const { parentPort } = await import('node:worker_threads');
    parentPort?.on('message', onMessage);
    return {
      post: (message, transfer) => parentPort?.postMessage(message, transfer as ArrayBuffer[]),
    };
  }
  const scope = globalThis as unknown as DedicatedWorker;
  scope.onmessage = ({ data }) => onMessage(data as From);
  return { post: (message, transfer) => scope.postMessage(message, transfer) };
}

/** What a worker's global scope has beyond a page's. */
interface DedicatedWorker {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown, transfer?: ArrayBufferLike[]): void;
}

/** Threads that can run at once. */
export async function hardwareThreads(): Promise<number> {
  if (!isNodeLike()) return globalThis.navigator?.hardwareConcurrency ?? 1;
  const { availableParallelism } = await import('node:os');
  return availableParallelism();
}
