import { expected } from '../errors.ts';

/** After this long the event loop gets a turn, at the next step: a band of rows on wasm, a layer on reference. */
const TURN_MS = 12;

/**
 * Paces long work: gives the event loop its turns and notices that the caller has cancelled.
 */
export class Pacer {
  readonly #where: string;
  readonly #signal: AbortSignal | undefined;
  #turnStarted = performance.now();

  /** @throws TaesdError ABORTED where the signal has already fired */
  constructor(where: string, signal: AbortSignal | undefined) {
    this.#where = where;
    this.#signal = signal;
    this.check();
  }

  /** @throws TaesdError ABORTED once the signal has fired */
  check(): void {
    if (this.#signal?.aborted !== true) return;
    const cause = this.#signal.reason;
    const got = cause instanceof Error ? cause.message : String(cause);
    throw expected('ABORTED', this.#where, 'signal', 'to be left alone', got, undefined, { cause });
  }

  /** Calls `listener` when the signal fires. @returns what stops that */
  onAbort(listener: () => void): () => void {
    this.#signal?.addEventListener('abort', listener);
    return () => this.#signal?.removeEventListener('abort', listener);
  }

  /** True once the event loop is owed a turn. */
  get due(): boolean {
    return performance.now() - this.#turnStarted >= TURN_MS;
  }

  /** Gives the event loop its turn. @throws TaesdError ABORTED */
  async turn(): Promise<void> {
    await nextTask();
    this.#turnStarted = performance.now();
    this.check();
  }
}

/**
 * Resolves in a task of its own. Browsers have no `setImmediate` and delay nested timers by 4 ms; a channel costs Node
 * 0.3 ms.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
