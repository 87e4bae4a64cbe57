import type { Pacer } from './backend/pacer.ts';
import { Doorbell } from './platform/doorbell.ts';

/** The calls of an instance. One works at a time, in the order of the calls. */
export class Turns {
  /** Settles when the latest call and all calls before it are done. */
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits for all earlier calls.
   *
   * @returns a function that ends the turn
   * @throws TaesdError ABORTED as soon as the call is cancelled, even while it waits
   */
  async take(pacer: Pacer): Promise<() => void> {
    const before = this.#last;
    const end = new Doorbell();
    const own = end.wait();
    // A call that gives up while it waits must not let later calls overtake earlier ones.
    this.#last = before.then(() => own);
    try {
      await pacer.unlessAborted(before);
    } catch (error) {
      end.ring();
      throw error;
    }
    return () => end.ring();
  }

  /** Resolves when all calls made so far are done. */
  done(): Promise<void> {
    return this.#last;
  }
}
