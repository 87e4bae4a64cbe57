import { aborted } from '../errors.ts';
import { nextTask } from '../platform/runtime.ts';

/**
 * After this long the event loop gets a turn, at the next step: a band of rows on wasm, a layer on
 * reference.
 */
const TURN_MS = 12;
/**
 * After so many multiply-adds, some 4 ms, where no time seems to have passed: on the edge the clock
 * stands still while code runs.
 */
const TURN_WORK = 2 ** 28;

/**
 * Paces long work: gives the event loop its turns and notices that the caller has cancelled.
 */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #turnStarted = performance.now();
  #work = 0;

  /** @throws TaesdError ABORTED where the signal has already fired */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.check();
  }

  /** @throws TaesdError ABORTED once the signal has fired */
  check(): void {
    if (this.#signal?.aborted !== true) return;
    throw aborted(this.#signal.reason);
  }

  /** Calls `listener` when the signal fires. @returns what stops that */
  onAbort(listener: () => void): () => void {
    this.#signal?.addEventListener('abort', listener);
    return () => this.#signal?.removeEventListener('abort', listener);
  }

  /**
   * Waits for what nothing stops: others' calls, a device.
   *
   * @throws TaesdError ABORTED as soon as the signal fires
   */
  async unlessAborted<Result>(work: Promise<Result>): Promise<Result> {
    // Where the signal comes first, it is nobody's business any more.
    work.catch(() => undefined);
    let stop = () => {};
    const aborted = new Promise<void>((resolve) => {
      stop = this.onAbort(resolve);
    });
    await Promise.race([work, aborted]).finally(stop);
    this.#turnStarted = performance.now();
    this.check();
    return work;
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
 * Does work of which each portion tells its multiply-adds, and yields where the event loop is owed
 * a turn, which is for the caller to give. Whoever leaves the loop ends the work.
 */
export function* untilTurn(
  work: Generator<number, void, void>,
  pacer: Pacer,
): Generator<void, void, void> {
  try {
    for (;;) {
      const { done, value } = work.next();
      if (done) return;
      pacer.did(value);
      if (pacer.due) yield;
    }
  } finally {
    work.return();
  }
}
