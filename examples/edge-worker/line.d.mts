/** A request's place in the line. */
export interface Place {
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
  /** @returns undefined if the line is full */
  join(): Place | undefined;
  /** Resolves to true when the place is first, to false if it was given up and the line is full. */
  turn(place: Place, signal: AbortSignal): Promise<boolean>;
  /** Gives a sign of life. @returns false if the turn was given up */
  stillWorking(place: Place): boolean;
}
