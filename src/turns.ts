import type { Pacer } from './backend/pacer.ts';

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
    let release = () => {};
    const own = new Promise<void>((resolve) => {
      release = resolve;
    });
    // Who leaves while waiting lets nobody pass those before.
    this.#last = before.then(() => own);
    try {
      await pacer.unlessAborted(before);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** Resolves when all calls that were made until now are done. */
  done(): Promise<void> {
    return this.#last;
  }
}
