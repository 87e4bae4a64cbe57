/** A place on a map, in its own pixels. */
export interface At {
  readonly y: number;
  readonly x: number;
}

/**
 * A place right of the middle, where the sample has its moon: there is something to be seen at
 * once.
 */
const FIRST = { y: 0.36, x: 0.66 };

/** Returns the place that is looked at before anybody has chosen one. */
export const firstPlace = ({ height, width }: { height: number; width: number }): At => ({
  y: Math.floor(height * FIRST.y),
  x: Math.floor(width * FIRST.x),
});
