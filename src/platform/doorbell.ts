/** Lets work sleep until something happens elsewhere. One ring wakes all who wait. */
export class Doorbell {
  #rung = () => {};
  #waiting: Promise<void> | undefined;

  /** Wakes those who wait now. */
  ring(): void {
    this.#waiting = undefined;
    this.#rung();
  }

  /** Resolves at the next ring. */
  wait(): Promise<void> {
    this.#waiting ??= new Promise((resolve) => {
      this.#rung = resolve;
    });
    return this.#waiting;
  }
}
