import { expected } from './errors.ts';

/*
 * All that differs between Node-like runtimes and browsers outside the command line. Node's modules are imported
 * when they are used, so that this file loads in a browser, a worker and an edge function untouched.
 */

/** True for errors that say that there is no such file or folder. */
function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * Reads a file (`file:`) or fetches a URL (anything else).
 *
 * @returns its bytes, or undefined where there is no such file (for HTTP: 404 and 410)
 * @throws TaesdError ARG where it is there but cannot be read, or is cut off on its way
 */
export async function readUrl(where: string, url: URL): Promise<Uint8Array | undefined> {
  if (url.protocol === 'file:') {
    try {
      const { readFile } = await import('node:fs/promises');
      return await readFile(url);
    } catch (cause) {
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
  if (response.status === 404 || response.status === 410) return undefined;
  if (!response.ok) {
    throw expected('ARG', where, url.href, 'HTTP status 200 to 299', `${response.status}`);
  }
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    const hint = 'the connection was cut?';
    throw expected('ARG', where, url.href, 'the whole answer', reason(cause), hint, { cause });
  }
}

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
 * The URL of a folder given as a path or URL; relative paths count from the working folder or the page.
 *
 * @throws TaesdError ARG where it is neither
 */
export async function folderUrl(where: string, folder: string | URL): Promise<URL> {
  const text = String(folder);
  const slashed = text.endsWith('/') ? text : `${text}/`;
  // One letter before the colon is a Windows drive, not a scheme.
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  if (!isUrl && isNodeLike()) {
    const { pathToFileURL } = await import('node:url');
    return pathToFileURL(slashed);
  }
  try {
    return new URL(slashed, globalThis.location?.href);
  } catch (cause) {
    throw expected('ARG', where, 'weights', 'a folder or URL', text, undefined, { cause });
  }
}

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

const isNodeLike = () => typeof process !== 'undefined' && process.versions?.node !== undefined;

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
    const worker = new Worker(url);
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
