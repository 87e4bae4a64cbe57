// The line of requests that wait for their turn.

/**
 * @typedef {object} Place
 * @property {number} seen  the time of its last sign of life
 * @property {boolean} working  true from the beginning of its turn until the turn ends or is given
 *   up
 * @property {boolean} heavy  true for work that others may pass
 * @property {boolean} resumed  true once it has had a turn and joined again
 * @property {() => void} leave  ends the turn; further calls do nothing. A wait ends by its signal
 */

/** Turns of light work that pass heavy work which waits, before it has its own. */
const LIGHT_TURNS = 8;

/** Milliseconds between two checks of a waiting request whether it is first. */
const CHECK_MS = 5;

/**
 * A waiting request without a check for this long, 200 checks, is taken for dead: wrongly, if the
 * clock has jumped.
 */
const WAITING_DEAD_MS = 1000;

/**
 * A line in which each request checks for itself whether it is first. A promise resolved by another
 * request would be simpler, but workerd cancels a request that waits for nothing but another one
 * ("your Worker's code had hung"). A cancelled request's `finally` may never run: its turn would
 * never end.
 */
export class Line {
  /** @type {Place[]} */
  #places = [];
  /** Turns of light work since the last of heavy work. */
  #lightTurns = 0;
  #maxPlaces;
  #deadMs;
  #onDead;

  /**
   * @param {number} maxPlaces  the number of places, the first included
   * @param {number} deadMs  milliseconds without a sign of life after which a request loses its
   *   turn; longer than any turn
   * @param {() => void} onDead  called when a request has lost its turn. The objects it worked with
   *   may be in the middle of something
   */
  constructor(maxPlaces, deadMs, onDead) {
    this.#maxPlaces = maxPlaces;
    this.#deadMs = deadMs;
    this.#onDead = onDead;
  }

  /**
   * @param {boolean} [heavy]  true lets up to 8 turns of light work pass. Without this a few large
   *   pictures would let everyone wait for seconds. Defaults to false
   * @returns {Place | undefined} undefined if the line is full
   */
  join(heavy = false) {
    this.#dropDead();
    if (this.#isFull) return undefined;
    const place = {
      seen: Date.now(),
      working: false,
      heavy,
      resumed: false,
      leave: () => {
        place.working = false;
        this.#places = this.#places.filter((other) => other !== place);
      },
    };
    this.#places.push(place);
    return place;
  }

  /**
   * Joins the line again after a turn, at its end, even if the line is full: an answer that has
   * begun cannot be refused any more.
   *
   * @param {Place} place
   */
  rejoin(place) {
    place.seen = Date.now();
    place.resumed = true;
    if (!this.#places.includes(place)) this.#places.push(place);
  }

  /**
   * Resolves when it is the place's turn. A place taken for dead in error, because the clock jumped
   * or the process was stopped, goes to the end of the line again.
   *
   * @param {Place} place
   * @param {AbortSignal} signal  rejects with its reason
   * @returns {Promise<boolean>} false if it was taken for dead and the line is full without it
   */
  async turn(place, signal) {
    for (;;) {
      signal.throwIfAborted();
      place.seen = Date.now();
      this.#dropDead();
      if (!this.#places.includes(place)) {
        if (!place.resumed && this.#isFull) return false;
        this.#places.push(place);
      }
      if (this.#next === place) {
        this.#lightTurns = place.heavy ? 0 : this.#lightTurns + 1;
        place.working = true;
        return true;
      }
      await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    }
  }

  /** Whether others wait while a place has its turn. */
  get othersWait() {
    return this.#places.length > 1;
  }

  /** Places that joined again do not count: they are bounded by what the answers keep. */
  get #isFull() {
    return this.#places.filter(({ resumed }) => !resumed).length >= this.#maxPlaces;
  }

  /** The place whose turn may begin; undefined while another has its turn. */
  get #next() {
    if (this.#places.some(({ working }) => working)) return undefined;
    const [first] = this.#places;
    if (this.#lightTurns >= LIGHT_TURNS) return first;
    return this.#places.find(({ heavy }) => !heavy) ?? first;
  }

  /**
   * Gives a sign of life during the turn.
   *
   * @param {Place} place
   * @returns {boolean} false if its turn was given up: another's may have begun
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
    // A place that only waited has begun nothing.
    const worked = dead.filter(({ working }) => working);
    for (const place of worked) place.working = false;
    if (worked.length > 0) this.#onDead();
  }
}
