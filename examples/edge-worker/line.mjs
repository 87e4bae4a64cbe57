// Requests that wait for their turn.

/**
 * @typedef {object} Place
 * @property {number} seen  when it gave the last sign of life
 * @property {boolean} working  from where its turn begins until it ends or is given up
 * @property {() => void} leave  ends the turn; any number of times. Waiting ends by its signal
 */

/** How often one that waits looks whether it is first. */
const LOOK_MS = 5;

/** One that waits and has not looked for so long is taken for dead: 200 looks. Wrongly, where the clock jumped. */
const WAITING_DEAD_MS = 1000;

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
   * @param {number} deadMs  how long one whose turn it is may give no sign of life before the next one passes, longer than
   *   any turn
   * @param {() => void} onDead  one whose turn it was has been given up: what it worked with may be half-way through something
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
      working: false,
      leave: () => {
        place.working = false;
        this.#places = this.#places.filter((other) => other !== place);
      },
    };
    this.#places.push(place);
    return place;
  }

  /**
   * Resolves when the place is first. One that was taken for dead and was not, since the clock jumped or the process was
   * stopped, stands at the end again.
   *
   * @param {Place} place
   * @param {AbortSignal} signal  rejects with its reason
   * @returns {Promise<boolean>} false where it was taken for dead, and the line is full without it
   */
  async turn(place, signal) {
    for (;;) {
      signal.throwIfAborted();
      place.seen = Date.now();
      this.#dropDead();
      if (!this.#places.includes(place)) {
        if (this.#places.length >= this.#most) return false;
        this.#places.push(place);
      }
      if (this.#places[0] === place) {
        place.working = true;
        return true;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /**
   * A sign of life of one whose turn it is.
   *
   * @param {Place} place
   * @returns {boolean} false where its turn was given up: another's may have begun
   */
  stillWorking(place) {
    place.seen = Date.now();
    return place.working;
  }

  #dropDead() {
    const now = Date.now();
    const isDead = ({ seen, working }) => now - seen > (working ? this.#deadMs : WAITING_DEAD_MS);
    const dead = this.#places.filter(isDead);
    if (dead.length === 0) return;
    this.#places = this.#places.filter((place) => !dead.includes(place));
    // One that only waited has begun nothing.
    const worked = dead.filter(({ working }) => working);
    for (const place of worked) place.working = false;
    if (worked.length > 0) this.#onDead();
  }
}
