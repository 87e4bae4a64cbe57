/** Lets work sleep until something happens elsewhere. One ring wakes all that wait. */
export class Doorbell {
  #rung = () => {};
  #waiting: Promise<void> | undefined;

  /** Wakes all calls that wait now. */
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
