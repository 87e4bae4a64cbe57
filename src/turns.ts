import type { Pacer } from './backend/pacer.ts';

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
    let release = () => {};
    const own = new Promise<void>((resolve) => {
      release = resolve;
    });
    // A call that gives up while it waits must not let later calls overtake earlier ones.
    this.#last = before.then(() => own);
    try {
      await pacer.unlessAborted(before);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** Resolves when all calls made so far are done. */
  done(): Promise<void> {
    return this.#last;
  }
}
