import { Pacer } from '../backend/pacer.ts';

/**
 * The loops of an instance that hold its turn while the caller looks at what they yielded. A caller
 * may leave one for ever, without a `break` that would end it.
 */
export class OpenLoops {
  /** The functions that end a loop's work. */
  readonly #ends = new Set<() => void>();

  /**
   * Yields everything `work` yields. If the signal fires while the caller looks at it, the work
   * ends at once and gives its turn back, whether the caller asks for more or not.
   *
   * @param check  throws if the instance was disposed; called before each request
   * @throws TaesdError ABORTED; what `check` and `work` throw
   */
  async *run<T>(
    work: AsyncGenerator<T, void, void>,
    signal: AbortSignal | undefined,
    check: () => void,
  ): AsyncGenerator<T, void, void> {
    let unlisten: (() => void) | undefined;
    const end = () => {
      this.#ends.delete(end);
      // Work that is running ends at its next yield.
      void work
        .return()
        .finally(unlisten)
        .catch(() => undefined);
    };
    this.#ends.add(end);
    try {
      for (;;) {
        // Work that `end` has ended must not look like a loop that came to its last rows.
        check();
        const next = await work.next();
        if (next.done) return;
        const pacer = new Pacer(signal);
        if (this.#ends.has(end)) unlisten = pacer.onAbort(end);
        yield next.value;
        unlisten?.();
        pacer.check();
      }
    } finally {
      this.#ends.delete(end);
      await work.return().finally(unlisten);
    }
  }

  /** Ends all work, so that it gives its turn back. */
  end(): void {
    for (const end of this.#ends) end();
  }
}
