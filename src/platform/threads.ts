import { expected } from '../errors.ts';
import { isNodeLike } from './runtime.ts';

/*
 * Threads and their messages: `node:worker_threads` in Node, Deno and Bun, module workers
 * elsewhere.
 */

/** A thread that takes messages of one type. */
export interface Thread<Message> {
  post(message: Message, transfer?: ArrayBufferLike[]): void;
  terminate(): void;
  /**
   * Sets whether the process waits for the thread. An idle thread must not keep the process from
   * ending.
   */
  keepAlive(alive: boolean): void;
}

/** The two ways to start a module in a thread. */
export interface ThreadModule {
  /** The module's address, for runtimes that load files. */
  url(): URL;
  /**
   * Starts it as a worker of a page. Its code names the module, since bundlers look for that form.
   */
  worker(): Worker;
}

/**
 * Starts a module in a thread of its own.
 *
 * @param onError  called when the thread has ended: with what it threw, or with its exit code
 * @throws TaesdError UNSUPPORTED (a runtime without workers)
 */
export function startThread<To, From>(
  module: ThreadModule,
  onMessage: (message: From) => void,
  onError: (error: Error) => void,
): Thread<To> {
  if (isNodeLike()) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    // Flags are inherited. Handing them on makes Node refuse V8's flags, such as --expose-gc. But
    // the flags of a script given on the command line keep a file from being loaded.
    const isScript = process.execArgv.some((flag) => flag.startsWith('--input-type'));
    const worker = new Worker(module.url(), isScript ? { execArgv: [] } : {});
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', (code) => onError(new Error(`exit code ${code}`)));
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

/** Connects a thread to the one that started it. */
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

/** The members of a worker's global scope that a page's does not have. */
interface DedicatedWorker {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown, transfer?: ArrayBufferLike[]): void;
}
