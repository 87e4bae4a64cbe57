// Requests that wait for their turn.

/**
 * @typedef {object} Place
 * @property {number} seen  when it gave the last sign of life
 * @property {() => void} leave  ends the turn, or the waiting; any number of times
 */

/** How often one that waits looks whether it is first. */
const LOOK_MS = 5;

/**
 * A line in which each looks for itself whether it is first. Waiting for a promise that another request resolves would be
 * simpler, but not on the edge: workerd cancels a request that waits for nothing but another one ("your Worker's code had
 * hung"), and where a request is cancelled, its `finally` may never run, and its turn would never end.
 */
export class Line {
  /** @type {Place[]} */
  #places = [];
  #most;
  #deadMs;
  #onDead;

  /**
   * @param {number} most  places, that of the first included
   * @param {number} deadMs  how long one may give no sign of life before the next one passes, longer than any turn
   * @param {() => void} onDead  one in the line was given up: what it worked with may be half-way through something
   */
  constructor(most, deadMs, onDead) {
    this.#most = most;
    this.#deadMs = deadMs;
    this.#onDead = onDead;
  }

  /** @returns {Place | undefined} undefined where the line is full */
  join() {
    this.#dropDead();
    if (this.#places.length >= this.#most) return undefined;
    const place = {
      seen: Date.now(),
      leave: () => {
        this.#places = this.#places.filter((other) => other !== place);
      },
    };
    this.#places.push(place);
    return place;
  }

  /** Resolves when the place is first. @param {Place} place @param {AbortSignal} signal  rejects with its reason */
  async turn(place, signal) {
    for (;;) {
      signal.throwIfAborted();
      place.seen = Date.now();
      this.#dropDead();
      if (this.#places[0] === place) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #dropDead() {
    const now = Date.now();
    const alive = this.#places.filter(({ seen }) => now - seen <= this.#deadMs);
    if (alive.length === this.#places.length) return;
    this.#places = alive;
    this.#onDead();
  }
}
