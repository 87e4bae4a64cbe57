import type { Pacer } from './backend/pacer.ts';
import { Doorbell } from './platform/doorbell.ts';

/** The calls of an instance: one works at a time, in the order in which they were made. */
export class Turns {
  /** Settled when the last call that was made is done. */
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits for the calls that were made before.
   *
   * @returns what ends the turn
   * @throws TaesdError ABORTED as soon as the call is cancelled, also while it waits
   */
  async take(pacer: Pacer): Promise<() => void> {
    const before = this.#last;
    const end = new Doorbell();
    const own = end.wait();
    // A call that gives up while waiting must not let later calls overtake earlier ones.
    this.#last = before.then(() => own);
    try {
      await pacer.unlessAborted(before);
    } catch (error) {
      end.ring();
      throw error;
    }
    return () => end.ring();
  }

  /** Resolves when all calls that were made until now are done. */
  done(): Promise<void> {
    return this.#last;
  }
}
