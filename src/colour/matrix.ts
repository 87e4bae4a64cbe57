/** A 3×3 matrix, row-major. */
export type Matrix = readonly number[];
export type Vector = readonly [number, number, number];

export const multiply = (a: Matrix, b: Matrix): Matrix =>
  Array.from({ length: 9 }, (_, i) => {
    const row = i - (i % 3);
    return a[row] * b[i % 3] + a[row + 1] * b[3 + (i % 3)] + a[row + 2] * b[6 + (i % 3)];
  });

export const transform = (m: Matrix, [x, y, z]: Vector): Vector => [
  m[0] * x + m[1] * y + m[2] * z,
  m[3] * x + m[4] * y + m[5] * z,
  m[6] * x + m[7] * y + m[8] * z,
];

/** Returns the matrix with the vectors as its columns. */
export const fromColumns = (a: Vector, b: Vector, c: Vector): Matrix => [
  a[0],
  b[0],
  c[0],
  a[1],
  b[1],
  c[1],
  a[2],
  b[2],
  c[2],
];

export const diagonal = ([x, y, z]: Vector): Matrix => [x, 0, 0, 0, y, 0, 0, 0, z];

/** Returns the inverse, or undefined if there is none that numbers can hold. */
export function inverse(m: Matrix): Matrix | undefined {
  const cofactor = (a: number, b: number, c: number, d: number): number =>
    m[a] * m[d] - m[b] * m[c];
  const first = cofactor(4, 5, 7, 8);
  const second = -cofactor(3, 5, 6, 8);
  const third = cofactor(3, 4, 6, 7);
  const determinant = m[0] * first + m[1] * second + m[2] * third;
  const result = [
    first,
    -cofactor(1, 2, 7, 8),
    cofactor(1, 2, 4, 5),
    second,
    cofactor(0, 2, 6, 8),
    -cofactor(0, 2, 3, 5),
    third,
    -cofactor(0, 1, 6, 7),
    cofactor(0, 1, 3, 4),
  ].map((value) => value / determinant);
  return result.every((value) => Math.abs(value) < 1e6) ? result : undefined;
}
