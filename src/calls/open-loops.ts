/**
 * The loops of an instance that hold its turn while the caller looks at what they yielded. A caller
 * may leave one for ever, without a `break` that would end it.
 */
export class OpenLoops {
  readonly #open = new Set<AsyncGenerator<unknown, void, void>>();

  /**
   * Yields everything `work` yields.
   *
   * @param check  throws if the instance was disposed; called before each request
   */
  async *run<T>(
    work: AsyncGenerator<T, void, void>,
    check: () => void,
  ): AsyncGenerator<T, void, void> {
    this.#open.add(work);
    try {
      for (;;) {
        // Work that `end` has ended must not look like a loop that came to its last rows.
        check();
        const next = await work.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      this.#open.delete(work);
      await work.return();
    }
  }

  /** Ends all work, so that it gives its turn back. Work that is running ends at its next yield. */
  end(): void {
    for (const work of this.#open) void work.return().catch(() => undefined);
  }
}
