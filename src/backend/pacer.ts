import { aborted } from '../errors.ts';
import { Doorbell } from '../platform/doorbell.ts';
import { milliseconds, nextTask } from '../platform/timers.ts';

/** The event loop gets a turn after this long, when the work next pauses. */
const TURN_MS = 12;
/**
 * The multiply-adds, about 4 ms of them, after which it gets a turn if no time seems to have
 * passed: on edge runtimes the clock stands still while code runs.
 */
const TURN_WORK = 2 ** 28;

/**
 * Paces long work: gives the event loop its turns and notices that the caller has cancelled.
 */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #turnStarted = milliseconds();
  #work = 0;

  /** @throws TaesdError ABORTED (the signal has already fired) */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.check();
  }

  /** @throws TaesdError ABORTED (the signal has fired) */
  check(): void {
    if (this.#signal?.aborted !== true) return;
    throw aborted(this.#signal.reason);
  }

  /** Calls `listener` when the signal fires. @returns a function that removes the listener */
  onAbort(listener: () => void): () => void {
    this.#signal?.addEventListener('abort', listener);
    return () => this.#signal?.removeEventListener('abort', listener);
  }

  /**
   * Waits for work that cannot be cancelled: other calls, a device.
   *
   * @throws TaesdError ABORTED as soon as the signal fires; what `work` throws
   */
  async unlessAborted<Result>(work: Promise<Result>): Promise<Result> {
    // If the signal fires first, nothing awaits `work`: its rejection must not go unhandled.
    work.catch(() => undefined);
    const alarm = new Doorbell();
    const stop = this.onAbort(() => alarm.ring());
    await Promise.race([work, alarm.wait()]).finally(stop);
    this.#turnStarted = milliseconds();
    this.check();
    return work;
  }

  /** Adds multiply-adds that were done. */
  did(work: number): void {
    this.#work += work;
  }

  /** True if the event loop is owed a turn. */
  get due(): boolean {
    const elapsed = milliseconds() - this.#turnStarted;
    return elapsed >= TURN_MS || (elapsed === 0 && this.#work >= TURN_WORK);
  }

  /** Gives the event loop its turn. @throws TaesdError ABORTED */
  async turn(): Promise<void> {
    await nextTask();
    this.#turnStarted = milliseconds();
    this.#work = 0;
    this.check();
  }
}

/**
 * Does work that yields its multiply-adds, portion by portion. Yields when the event loop is owed a
 * turn, which the caller gives. Leaving the loop ends the work.
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
