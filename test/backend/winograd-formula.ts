/*
 * Winograd F(4×4, 3×3) in float64, Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A, and the convolution that it stands for.
 * Source: Lavin and Gray, 2015, section 4.2, https://arxiv.org/abs/1509.09308
 */

export type Matrix = readonly (readonly number[])[];

/** Bᵀ: 6 input pixels → 6 points. */
export const BT: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** G: 3 weights → 6 points. */
export const G: Matrix = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** Aᵀ: 6 points → 4 output pixels. */
export const AT: Matrix = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** The same with all signs dropped: bounds pass through it. */
export const magnitudes = (matrix: Matrix): Matrix => matrix.map((row) => row.map(Math.abs));

/** M x Mᵀ. */
export function sandwich(m: Matrix, x: Matrix): number[][] {
  const left = m.map((row) =>
    x[0].map((_, c) => row.reduce((sum, value, k) => sum + value * x[k][c], 0)),
  );
  return left.map((row) =>
    m.map((other) => other.reduce((sum, value, k) => sum + value * row[k], 0)),
  );
}

/** A square matrix whose numbers `at` gives. */
export const square = (size: number, at: (row: number, column: number) => number): number[][] =>
  Array.from({ length: size }, (_, r) => Array.from({ length: size }, (__, c) => at(r, c)));
