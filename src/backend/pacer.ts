import { expected } from '../errors.ts';

/** After this long the event loop gets a turn, at the next step: a band of rows on wasm, a layer on reference. */
const TURN_MS = 12;
/**
 * After so many multiply-adds, some 4 ms, where no time seems to have passed: on the edge the clock stands still while code
 * runs.
 */
const TURN_WORK = 2 ** 28;

/**
 * Paces long work: gives the event loop its turns and notices that the caller has cancelled.
 */
export class Pacer {
  readonly #where: string;
  readonly #signal: AbortSignal | undefined;
  #turnStarted = performance.now();
  #work = 0;

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

  /** So many multiply-adds were done. */
  did(work: number): void {
    this.#work += work;
  }

  /** True once the event loop is owed a turn. */
  get due(): boolean {
    const elapsed = performance.now() - this.#turnStarted;
    return elapsed >= TURN_MS || (elapsed === 0 && this.#work >= TURN_WORK);
  }

  /** Gives the event loop its turn. @throws TaesdError ABORTED */
  async turn(): Promise<void> {
    await nextTask();
    this.#turnStarted = performance.now();
    this.#work = 0;
    this.check();
  }
}

/**
 * Resolves in a task of its own. Browsers have no `setImmediate` and delay nested timers by 4 ms; a channel costs Node
 * 0.3 ms. Edge functions do not delay timers, and have no channels, or ones whose messages keep timers from firing
 * (workerd).
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else if (typeof Worker === 'undefined' || typeof MessageChannel === 'undefined') {
      setTimeout(resolve, 0);
    } else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }
  });
}
