/** Where a request stands. */
export interface Place {
  /** Ends the turn; any number of times. */
  leave(): void;
}

/** A line in which each looks for itself whether it is first. */
export declare class Line {
  /**
   * @param most  places, that of the first included
   * @param deadMs  how long one whose turn it is may give no sign of life before the next one passes
   * @param onDead  one whose turn it was has been given up
   */
  constructor(most: number, deadMs: number, onDead: () => void);
  /** @returns undefined where the line is full */
  join(): Place | undefined;
  /** Resolves when the place is first; false where it was given up and there is no room for it any more. */
  turn(place: Place, signal: AbortSignal): Promise<boolean>;
  /** A sign of life. @returns false where the turn was given up */
  stillWorking(place: Place): boolean;
}
