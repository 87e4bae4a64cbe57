import { messageOf, onOneLine, TaesdError } from '../../errors.ts';
import { KEEP_OUT } from '../../platform/package-file.ts';
import { isNodeLike } from '../../platform/runtime.ts';
import { startThread, type Thread } from '../../platform/threads.ts';
import type { Segment } from '../segment.ts';
import { type FailedMessage, type FromWorker, type ToWorker, textOf } from './messages.ts';
import { WORKER } from './worker-module.ts';

/** All that a worker needs to make its networks ready. */
export interface WorkerOptions {
  readonly kernels: WebAssembly.Module;
  readonly networks: readonly Segment[];
  readonly maxMemory: number | undefined;
}

/** Receives a worker's messages during its start, or during one span. */
export interface WorkerListener {
  heard(message: FromWorker): void;
  /** The worker has ended and will report nothing more. */
  died(error: TaesdError): void;
}

/** A worker of a pool. */
export class PoolWorker {
  /**
   * Resolves when the networks are ready.
   *
   * @throws TaesdError UNSUPPORTED (it cannot start), LIMIT, OOM
   */
  readonly ready: Promise<void>;
  /** True once the networks are ready. */
  isReady = false;
  /** Undefined while the worker has nothing to do. */
  listener: WorkerListener | undefined;
  #thread: Thread<ToWorker> | undefined;
  #memoryBytes = 0;

  /** @param onDeath  called when the worker ends, before `listener.died` */
  constructor(options: WorkerOptions, onDeath: (error: TaesdError) => void) {
    this.ready = new Promise((resolve, reject) => {
      const starting: WorkerListener = {
        heard: (message) => {
          this.listener = undefined;
          if (message.kind === 'failed') reject(failureOf(message));
          else {
            this.isReady = true;
            this.keepAlive(false);
            resolve();
          }
        },
        died: reject,
      };
      this.listener = starting;
      const died = (cause: Error) => {
        const error = this.listener === starting ? cannotStart(cause) : hasEnded(cause);
        onDeath(error);
        this.listener?.died(error);
      };
      const heard = (message: FromWorker) => this.#heard(message);
      try {
        this.#thread = startThread<ToWorker, FromWorker>(WORKER, heard, died);
      } catch (cause) {
        throw cause instanceof TaesdError ? cause : cannotStart(cause);
      }
      this.post({ kind: 'load', ...options });
    });
  }

  /** Bytes that the kernels' memory took after the last span. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  post(message: ToWorker, transfer?: ArrayBufferLike[]): void {
    this.#thread?.post(message, transfer);
  }

  keepAlive(alive: boolean): void {
    this.#thread?.keepAlive(alive);
  }

  /** Ends the worker. @param error  for the call that waits for it, if one does */
  end(error: TaesdError): void {
    this.#thread?.terminate();
    this.listener?.died(error);
  }

  #heard(message: FromWorker): void {
    if (message.kind === 'done') this.#memoryBytes = message.memoryBytes;
    this.listener?.heard(message);
  }
}

/** The error of a start, or of a span, that a worker could not finish. The worker lives on. */
export function failureOf({ code, message }: FailedMessage): TaesdError {
  if (code !== undefined) return new TaesdError(code, message);
  return workerError('failed', message);
}

function cannotStart(cause: unknown): TaesdError {
  const why = onOneLine(messageOf(cause));
  // Node, Deno and Bun report a file that is not there, or not of its kind, with these words.
  const remedy = isNodeLike() && /module|invalid url/i.test(why) ? `; ${KEEP_OUT}` : '';
  const sentence = `a worker could not start (${why}${remedy})`;
  return new TaesdError('UNSUPPORTED', sentence, { cause });
}

/** The error of a worker that started well and has ended since. */
const hasEnded = (cause: Error): TaesdError => workerError('ended', textOf(cause), cause);

/** @param why  the error's text; it decides between OOM and WORKER */
function workerError(what: 'ended' | 'failed', why: string, cause?: Error): TaesdError {
  const isFull = OUT_OF_MEMORY.test(why);
  const sentence = `a worker ${isFull ? 'ran out of memory' : what} (${onOneLine(why)})`;
  return new TaesdError(isFull ? 'OOM' : 'WORKER', sentence, { cause });
}

/**
 * The texts of errors for want of memory. Node's for a full heap of a worker is "Worker terminated
 * due to reaching memory limit: JS heap out of memory"; those of allocations differ between
 * engines, but are RangeErrors, as an overflow of the stack is, too.
 */
const OUT_OF_MEMORY = /out of memory|allocation failed|RangeError(?!.*call stack)/i;
