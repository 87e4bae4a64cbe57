/** How the squares of a map differ within themselves and from each other. */
export interface Squares {
  /** The share of squares whose numbers are all equal, from 0 to 1. */
  readonly equal: number;
  /** The mean difference of neighbours that are in one square. */
  readonly inside: number;
  /** The mean difference of neighbours in two squares. */
  readonly between: number;
}

/**
 * Measures the squares of a map, beginning at its upper left corner.
 *
 * @param map   one channel; squares at the right and lower edge may be cut
 * @param side  the side of a square, in numbers; at least 2
 */
export function measureSquares(
  map: { readonly width: number; readonly height: number; readonly data: Float32Array },
  side: number,
): Squares {
  const { width, height, data } = map;
  const across = Math.ceil(width / side);
  const isUneven = new Uint8Array(across * Math.ceil(height / side));
  const steps = { inside: 0, insideCount: 0, between: 0, betweenCount: 0 };
  const step = (at: number, by: number, square: number, isInside: boolean) => {
    const size = Math.abs(data[at] - data[at - by]);
    if (isInside) {
      steps.inside += size;
      steps.insideCount++;
      if (size !== 0) isUneven[square] = 1;
    } else {
      steps.between += size;
      steps.betweenCount++;
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const square = Math.floor(y / side) * across + Math.floor(x / side);
      if (x > 0) step(at, 1, square, x % side !== 0);
      if (y > 0) step(at, width, square, y % side !== 0);
    }
  }
  const uneven = isUneven.reduce((sum, value) => sum + value, 0);
  return {
    equal: 1 - uneven / isUneven.length,
    inside: steps.inside / Math.max(steps.insideCount, 1),
    between: steps.between / Math.max(steps.betweenCount, 1),
  };
}
