/*
 * Display P3 to sRGB in float64, from chromaticities alone: no matrix and no table of src/.
 */

type Triple = [number, number, number];

const WHITE: readonly [number, number] = [0.3127, 0.329];
const SRGB = [
  [0.64, 0.33],
  [0.3, 0.6],
  [0.15, 0.06],
] as const;
const P3 = [
  [0.68, 0.32],
  [0.265, 0.69],
  [0.15, 0.06],
] as const;

const xyz = ([x, y]: readonly [number, number]): Triple => [x / y, 1, (1 - x - y) / y];

const determinant = ([a, b, c]: readonly Triple[]): number =>
  a[0] * (b[1] * c[2] - b[2] * c[1]) -
  b[0] * (a[1] * c[2] - a[2] * c[1]) +
  c[0] * (a[1] * b[2] - a[2] * b[1]);

/** Solves columns · x = value by Cramer's rule. */
const solve = (columns: readonly Triple[], value: Triple): Triple =>
  [0, 1, 2].map(
    (i) =>
      determinant(columns.map((column, j) => (i === j ? value : column))) / determinant(columns),
  ) as Triple;

/** The XYZ of full red, green and blue, which add up to white. */
function primaries(chromaticities: typeof SRGB | typeof P3): Triple[] {
  const columns = chromaticities.map((one) => xyz(one));
  const amounts = solve(columns, xyz(WHITE));
  return columns.map((column, i) => column.map((value) => value * amounts[i]) as Triple);
}

const [FROM, TO] = [primaries(P3), primaries(SRGB)];

export const lightOf = (value: number): number =>
  value < 0
    ? -lightOf(-value)
    : value <= 0.04045
      ? value / 12.92
      : ((value + 0.055) / 1.055) ** 2.4;

export const encodedOf = (light: number): number =>
  light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;

/** Returns sRGB's values, clamped to 0 … 255 and not rounded, of values of Display P3 in 0 … 1. */
export function displayP3ToSrgb(values: readonly number[]): Triple {
  const light = values.map(lightOf);
  const sum = [0, 1, 2].map((i) => FROM.reduce((all, column, j) => all + column[i] * light[j], 0));
  const linear = solve(TO, sum as Triple);
  return linear.map((one) => 255 * encodedOf(Math.min(1, Math.max(0, one)))) as Triple;
}
