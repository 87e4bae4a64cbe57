import { throwIfAborted } from '../builtins/newer.ts';
import { millisecondsOfDate, ringAfter } from '../platform/timers.ts';

/** The place of a request in the line. */
export interface Place {
  /** The time of its last sign of life. */
  seen: number;
  /** True from the beginning of its turn until the turn ends or is given up. */
  working: boolean;
  /** True for work that others may pass. */
  readonly heavy: boolean;
  /** True once it has had a turn and joined again. */
  resumed: boolean;
  /** Ends the turn. Further calls do nothing. A wait ends by its signal. */
  leave(): void;
}

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
  #places: Place[] = [];
  /** Turns of light work since the last of heavy work. */
  #lightTurns = 0;
  readonly #maxPlaces: number;
  readonly #deadMs: number;
  readonly #onDead: (place: Place) => void;

  /**
   * @param maxPlaces  the number of places, the first included
   * @param deadMs  milliseconds without a sign of life after which a request loses its turn; longer
   *   than any turn
   * @param onDead  called with the place of a request that has lost its turn. The objects it worked
   *   with may be in the middle of something
   */
  constructor(maxPlaces: number, deadMs: number, onDead: (place: Place) => void) {
    this.#maxPlaces = maxPlaces;
    this.#deadMs = deadMs;
    this.#onDead = onDead;
  }

  /**
   * @param heavy  true lets up to 8 turns of light work pass. Without this a few large pictures
   *   would let everyone wait for seconds. Defaults to false
   * @returns undefined if the line is full
   */
  join(heavy = false): Place | undefined {
    this.#dropDead();
    if (this.#isFull) return undefined;
    const place: Place = {
      seen: millisecondsOfDate(),
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
   */
  rejoin(place: Place): void {
    place.seen = millisecondsOfDate();
    place.resumed = true;
    if (!this.#places.includes(place)) this.#places.push(place);
  }

  /**
   * Resolves when it is the place's turn. A place taken for dead in error, because the clock jumped
   * or the process was stopped, goes to the end of the line again.
   *
   * @param signal  rejects with its reason
   * @returns false if it was taken for dead and the line is full without it
   */
  async turn(place: Place, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      throwIfAborted(signal);
      place.seen = millisecondsOfDate();
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
      await new Promise<void>((resolve) => ringAfter(CHECK_MS, resolve));
    }
  }

  /** The requests in the line, those that work included. */
  get length(): number {
    return this.#places.length;
  }

  /** True if others wait while a place has its turn. */
  get othersWait(): boolean {
    return this.#places.length > 1;
  }

  /** Places that joined again do not count: they are bounded by what the answers keep. */
  get #isFull(): boolean {
    return this.#places.filter(({ resumed }) => !resumed).length >= this.#maxPlaces;
  }

  /** The place whose turn may begin; undefined while another has its turn. */
  get #next(): Place | undefined {
    if (this.#places.some(({ working }) => working)) return undefined;
    const [first] = this.#places;
    if (this.#lightTurns >= LIGHT_TURNS) return first;
    return this.#places.find(({ heavy }) => !heavy) ?? first;
  }

  /**
   * Gives a sign of life during the turn.
   *
   * @returns false if the turn was given up: another's may have begun
   */
  stillWorking(place: Place): boolean {
    place.seen = millisecondsOfDate();
    return place.working;
  }

  #dropDead(): void {
    const now = millisecondsOfDate();
    const isDead = ({ seen, working }: Place) =>
      now - seen > (working ? this.#deadMs : WAITING_DEAD_MS);
    const dead = this.#places.filter(isDead);
    if (dead.length === 0) return;
    this.#places = this.#places.filter((place) => !dead.includes(place));
    // A place that only waited has begun nothing.
    const worked = dead.filter(({ working }) => working);
    for (const place of worked) place.working = false;
    for (const place of worked) this.#onDead(place);
  }
}
