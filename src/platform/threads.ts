import { expected } from '../errors.ts';
import { isNodeLike } from './runtime.ts';

/*
 * Threads and their messages: `node:worker_threads` in Node, Deno and Bun, module workers elsewhere.
 */

/** A thread that takes messages of one type. */
export interface Thread<Message> {
  post(message: Message, transfer?: ArrayBufferLike[]): void;
  terminate(): void;
  /** Whether the process waits for it; a thread that has nothing to do must not keep it from ending. */
  keepAlive(alive: boolean): void;
}

/** How a module is started. */
export interface ThreadModule {
  /** Where it lies, for runtimes that load files. */
  url(): URL;
  /** As a worker of a page: written out where the module is named, since bundlers look for that form. */
  worker(): Worker;
}

/**
 * Starts a module in a thread of its own.
 *
 * @param onError  the thread has died
 * @throws TaesdError UNSUPPORTED where there are no workers
 */
export function startThread<To, From>(
  module: ThreadModule,
  onMessage: (message: From) => void,
  onError: (error: Error) => void,
): Thread<To> {
  if (isNodeLike()) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    // Flags are inherited, and must not be handed on by hand: Node then refuses V8's, like --expose-gc. But those that go
    // with a script given on the command line keep a file from being loaded.
    const isScript = process.execArgv.some((flag) => flag.startsWith('--input-type'));
    const worker = new Worker(module.url(), isScript ? { execArgv: [] } : {});
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
    throw expected('UNSUPPORTED', 'Worker', 'a runtime with workers', 'none');
  }
  const worker = module.worker();
  worker.onmessage = ({ data }) => onMessage(data);
  worker.onerror = ({ message }) => onError(new Error(message || 'could not be started'));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
    terminate: () => worker.terminate(),
    keepAlive: () => {},
  };
}

/** In a thread: listens to the one that started it, and speaks to it. */
export function parentThread<From, To>(
  onMessage: (message: From) => void,
): Pick<Thread<To>, 'post'> {
  if (isNodeLike()) {
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
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
