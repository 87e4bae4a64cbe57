import { messageOf, TaesdError } from '../errors.ts';
import { isNodeLike } from './runtime.ts';
import { systemReason } from './system-errors.ts';

/*
 * Threads and messages: `node:worker_threads` in Node, Deno and Bun, module workers elsewhere.
 */

/** A thread that receives messages of one type. */
export interface Thread<Message> {
  post(message: Message, transfer?: ArrayBufferLike[]): void;
  terminate(): void;
  /**
   * Sets whether the process waits for the thread. An idle thread must not keep the process from
   * ending.
   */
  keepAlive(alive: boolean): void;
}

/** The ways to start a module in a thread. */
export interface ThreadModule {
  /** Returns the module's URL, for runtimes that load files. */
  url(): URL;
  /**
   * Starts the module as a worker of a page. The caller writes out `new Worker(new URL(…))`,
   * because bundlers look for that form.
   */
  worker(): Worker;
  /**
   * Returns true if a page must not start the module as a worker, because it comes from another
   * origin. It then starts a script that loads the module.
   */
  isElsewhere(): boolean;
  /** Returns the module's code as a script, if the module is one file that knows its code. */
  script?(): string;
}

/**
 * Starts a module in a thread of its own.
 *
 * @param onError  called when the thread has ended by itself, with the reason
 * @throws TaesdError UNSUPPORTED if this program may not start one
 */
export function startThread<To, From>(
  module: ThreadModule,
  onMessage: (message: From) => void,
  onError: (error: Error) => void,
): Thread<To> {
  if (isNodeLike()) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    // A worker inherits the flags of the process. If they are passed on explicitly, Node refuses
    // V8's flags, such as --expose-gc. But the flags of a script given on the command line keep a
    // file from being loaded.
    const isScript = process.execArgv.some((flag) => flag.startsWith('--input-type'));
    const flags = isScript ? { execArgv: [] } : {};
    const start = () =>
      module.script
        ? new Worker(module.script(), { ...flags, eval: true })
        : new Worker(localUrl(module.url()), flags);
    let worker: ReturnType<typeof start>;
    try {
      worker = start();
    } catch (cause) {
      throw new TaesdError('UNSUPPORTED', systemReason(cause), { cause });
    }
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', (code) => onError(new Error(`exit code ${code}`)));
    return {
      post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
      terminate: () => void worker.terminate(),
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    };
  }
  const isElsewhere = module.isElsewhere();
  let worker: Worker;
  try {
    worker = isElsewhere ? blobWorker(module) : module.worker();
  } catch (cause) {
    // A page of another origin, or one in a sandbox, may not start the package's file.
    throw new TaesdError('UNSUPPORTED', messageOf(cause), { cause });
  }
  worker.onmessage = ({ data }) => onMessage(data);
  worker.onerror = ({ message }) => {
    onError(new Error(message || (isElsewhere ? NO_BLOB : 'could not be started')));
  };
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
    terminate: () => worker.terminate(),
    keepAlive: () => {},
  };
}

/** The likely reasons if a worker does not start from a blob and the browser says nothing. */
const NO_BLOB =
  'could not be started from another origin: a sandbox, or the Content-Security-Policy has to allow worker-src blob:';

/** Starts a module of another origin, which a page may import but not start as a worker. */
function blobWorker(module: ThreadModule): Worker {
  const [text, type] = module.script
    ? ([module.script(), 'classic'] as const)
    : ([importOf(module.url()), 'module'] as const);
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(url, { type });
  // Not before it has started: WebKit may read the text later.
  const revoke = () => URL.revokeObjectURL(url);
  worker.addEventListener('message', revoke, { once: true });
  worker.addEventListener('error', revoke, { once: true });
  return worker;
}

/** Returns a URL that `node:worker_threads` takes: Deno's loads no module of the web. */
const localUrl = (url: URL): URL =>
  url.protocol === 'file:'
    ? url
    : new URL(`data:text/javascript,${encodeURIComponent(importOf(url))}`);

/** Returns the code of a module that does nothing but import another. */
const importOf = ({ href }: URL): string => `import ${JSON.stringify(href)};`;

/**
 * Connects a thread with the thread that started it: listens to it, and returns what posts to it.
 */
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

/** The members of a worker's global scope that a page's scope lacks. */
interface DedicatedWorker {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown, transfer?: ArrayBufferLike[]): void;
}
