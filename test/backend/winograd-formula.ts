/*
 * Winograd F(4×4, 3×3) in float64, Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A, with stride 1 and 2, and
 * F(6×6, 3×3).
 * Source: Lavin and Gray, 2015, section 4.2, https://arxiv.org/abs/1509.09308; for stride 2, F(4,
 * 2) on the even inputs at the points 0, 1, −1, 2, ∞ (Blahut, "Fast Algorithms for Signal
 * Processing", 2010, section 5.2) beside the odd ones; for tiles of 6×6, the points 0, ±1, ±2, ±1/2
 * and ∞.
 */

export type Matrix = readonly (readonly number[])[];

/** Bᵀ: 6 input pixels → 6 points. */
const BT: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** G: 3 weights → 6 points. */
const G: Matrix = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** Aᵀ: 6 points → 4 output pixels. */
const AT: Matrix = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/**
 * With stride 2, 9 input pixels → 9 points: five of the even pixels, the four odd ones themselves.
 */
const BT_STRIDE2: Matrix = [
  [2, 0, -1, 0, -2, 0, 1, 0, 0],
  [0, 0, -2, 0, -1, 0, 1, 0, 0],
  [0, 0, 2, 0, -3, 0, 1, 0, 0],
  [0, 0, -1, 0, 0, 0, 1, 0, 0],
  [0, 0, 2, 0, -1, 0, -2, 0, 1],
  [0, 1, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 1, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 1, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 1, 0],
];

/** 3 weights → 6 points, the last of which stands for four. */
const G_STRIDE2: Matrix = [
  [1 / 2, 0, 0],
  [-1 / 2, 0, -1 / 2],
  [-1 / 6, 0, 1 / 6],
  [1 / 6, 0, 1 / 3],
  [0, 0, 1],
  [0, 1, 0],
];

/** 9 points → 4 output pixels. */
const AT_STRIDE2: Matrix = [
  [1, 1, 1, 1, 0, 1, 0, 0, 0],
  [0, 1, -1, 2, 0, 0, 1, 0, 0],
  [0, 1, 1, 4, 0, 0, 0, 1, 0],
  [0, 1, -1, 8, 1, 0, 0, 0, 1],
];

/** For tiles of 6×6, 8 input pixels → 8 points. Rows 3 and 4 are four times the usual ones. */
const BT_LARGE: Matrix = [
  [1, 0, -21 / 4, 0, 21 / 4, 0, -1, 0],
  [0, 1, 1, -17 / 4, -17 / 4, 1, 1, 0],
  [0, -1, 1, 17 / 4, -17 / 4, -1, 1, 0],
  [0, 2, 1, -10, -5, 8, 4, 0],
  [0, -2, 1, 10, -5, -8, 4, 0],
  [0, 2, 4, -5 / 2, -5, 1 / 2, 1, 0],
  [0, -2, 4, 5 / 2, -5, -1 / 2, 1, 0],
  [0, -1, 0, 21 / 4, 0, -21 / 4, 0, 1],
];

/** 3 weights → 8 points. Rows 3 and 4 are a quarter of the usual ones. */
const G_LARGE: Matrix = [
  [1, 0, 0],
  [-2 / 9, -2 / 9, -2 / 9],
  [-2 / 9, 2 / 9, -2 / 9],
  [1 / 360, 1 / 180, 1 / 90],
  [1 / 360, -1 / 180, 1 / 90],
  [32 / 45, 16 / 45, 8 / 45],
  [32 / 45, -16 / 45, 8 / 45],
  [0, 0, 1],
];

/** 8 points → 6 output pixels. */
const AT_LARGE: Matrix = [
  [1, 1, 1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0],
  [0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0],
  [0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0],
  [0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0],
  [0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1],
];

/** The three matrices for each number of points along an axis: 9 with stride 2. */
export const MATRICES = {
  6: { BT, G, AT },
  8: { BT: BT_LARGE, G: G_LARGE, AT: AT_LARGE },
  9: { BT: BT_STRIDE2, G: G_STRIDE2, AT: AT_STRIDE2 },
} as const;

/** The same with all signs dropped: bounds pass through it. */
export const magnitudes = (matrix: Matrix): Matrix => matrix.map((row) => row.map(Math.abs));

/** M x Mᵀ. */
export const sandwich = (m: Matrix, x: Matrix): number[][] => timesTransposed(times(m, x), m);

/** M N. Plain loops, as below: the tests of the kernels spend most of their time here. */
function times(m: Matrix, n: Matrix): number[][] {
  const product: number[][] = [];
  for (const row of m) {
    const sums: number[] = [];
    for (let c = 0; c < n[0].length; c++) {
      let sum = 0;
      for (let k = 0; k < row.length; k++) sum += row[k] * n[k][c];
      sums.push(sum);
    }
    product.push(sums);
  }
  return product;
}

/** M Nᵀ. */
function timesTransposed(m: Matrix, n: Matrix): number[][] {
  const product: number[][] = [];
  for (const row of m) {
    const sums: number[] = [];
    for (const other of n) {
      let sum = 0;
      for (let k = 0; k < row.length; k++) sum += row[k] * other[k];
      sums.push(sum);
    }
    product.push(sums);
  }
  return product;
}

/** A square matrix whose numbers `at` gives. */
export function square(size: number, at: (row: number, column: number) => number): number[][] {
  const rows: number[][] = [];
  for (let r = 0; r < size; r++) {
    const row: number[] = [];
    for (let c = 0; c < size; c++) row.push(at(r, c));
    rows.push(row);
  }
  return rows;
}
