/**
 * Returns the readings of a tensor's axes as N, C, h and w, the plainest first. −1 stands for an
 * axis of 1 that the tensor lacks.
 *
 * [C, h, w] is a batch of 1. An axis of 1 can be dropped: that of a single frame in [N, C, 1, h, w]
 * and [C, 1, h, w], and one outside the batch in [N, 1, C, h, w] and [1, N, C, h, w]. An axis of 1
 * among h and w is never dropped.
 *
 * @param isLast  true for channels last: [N, h, w, C], [h, w, C], and [N, 1, h, w, C]
 */
export function axesReadings(sizes: readonly number[], isLast = false): number[][] {
  return spatialLast(sizes, isLast).map(([n, a, b, c]) => (isLast ? [n, c, a, b] : [n, a, b, c]));
}

/** Returns the choices of four axes in the order of the tensor. */
function spatialLast(sizes: readonly number[], isLast: boolean): number[][] {
  const without = (axes: readonly number[]) =>
    axes
      .filter((axis) => sizes[axis] === 1)
      .map((axis) => sizes.map((_, i) => i).filter((i) => i !== axis));
  if (sizes.length === 3) return [[-1, 0, 1, 2]];
  if (sizes.length === 4) {
    return [[0, 1, 2, 3], ...without(isLast ? [0] : [1, 0]).map((axes) => [-1, ...axes])];
  }
  return sizes.length === 5 ? without(isLast ? [1, 0] : [2, 1, 0]) : [];
}

/** Returns a shape by axes of `axesReadings`. */
export const shapeBy = (axes: readonly number[], sizes: readonly number[]): number[] =>
  axes.map((axis) => sizes[axis] ?? 1);
