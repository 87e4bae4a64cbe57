/** A request's place in the line. */
export interface Place {
  /** True from the beginning of its turn until the turn ends or is given up. */
  readonly working: boolean;
  /** Ends the turn. Further calls do nothing. */
  leave(): void;
}

/** A line in which each request checks for itself whether it is first. */
export declare class Line {
  /**
   * @param maxPlaces  the number of places, the first included
   * @param deadMs  milliseconds without a sign of life after which a request loses its turn
   * @param onDead  called when a request has lost its turn
   */
  constructor(maxPlaces: number, deadMs: number, onDead: () => void);
  /**
   * @param heavy  true lets up to 8 turns of light work pass. Defaults to false
   * @returns undefined if the line is full
   */
  join(heavy?: boolean): Place | undefined;
  /** Joins the line again after a turn, at its end, even if the line is full. */
  rejoin(place: Place): void;
  /** Whether others wait while a place has its turn. */
  readonly othersWait: boolean;
  /**
   * Resolves to true when it is the place's turn, to false if it was given up and the line is full.
   */
  turn(place: Place, signal: AbortSignal): Promise<boolean>;
  /** Gives a sign of life. @returns false if the turn was given up */
  stillWorking(place: Place): boolean;
}
