import {
  diagonal,
  fromColumns,
  inverse,
  type Matrix,
  multiply,
  transform,
  type Vector,
} from './matrix.ts';

/** The xy chromaticities of white, red, green and blue. */
export type Chromaticities = readonly [
  whiteX: number,
  whiteY: number,
  redX: number,
  redY: number,
  greenX: number,
  greenY: number,
  blueX: number,
  blueY: number,
];

/** Source: IEC 61966-2-1 */
export const SRGB_PRIMARIES: Chromaticities = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];

/** Bradford's cone responses. Source: ICC.1:2022, annex E */
const BRADFORD: Matrix = [
  0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296,
];

/** The white of ICC profiles' connection space. */
const D50: Vector = [0.9642, 1, 0.8249];

const xyz = (x: number, y: number): Vector => [x / y, 1, (1 - x - y) / y];

/** Returns the matrix from linear RGB to XYZ with the white D50, or undefined if there is none. */
function toD50(of: Chromaticities): Matrix | undefined {
  const [whiteX, whiteY, redX, redY, greenX, greenY, blueX, blueY] = of;
  const white = xyz(whiteX, whiteY);
  const columns = fromColumns(xyz(redX, redY), xyz(greenX, greenY), xyz(blueX, blueY));
  const fromXyz = inverse(columns);
  const fromCones = inverse(BRADFORD);
  if (fromXyz === undefined || fromCones === undefined) return undefined;
  const own = multiply(columns, diagonal(transform(fromXyz, white)));
  const from = transform(BRADFORD, white);
  const to = transform(BRADFORD, D50);
  const scale = diagonal([to[0] / from[0], to[1] / from[1], to[2] / from[2]]);
  return multiply(multiply(fromCones, multiply(scale, BRADFORD)), own);
}

/**
 * Returns the matrix from XYZ with the white D50, where ICC profiles meet, to linear sRGB. It is
 * computed when it is needed.
 */
export function fromD50(toXyz: Matrix | undefined): Matrix | undefined {
  const srgb = toD50(SRGB_PRIMARIES);
  const back = srgb && inverse(srgb);
  const matrix = toXyz && back && multiply(back, toXyz);
  return matrix?.every((value) => Math.abs(value) < 1e3) ? matrix : undefined;
}

/**
 * Returns the matrix from linear RGB of these primaries to linear sRGB, or undefined if they span
 * no colours. White becomes white: it is adapted by Bradford's method, as browsers do.
 * Source: https://www.w3.org/TR/png-3/#C-GammaAppendix, ICC.1:2022 annex E
 */
export const primariesMatrix = (of: Chromaticities): Matrix | undefined =>
  of.every((value) => Math.abs(value) <= 10) ? fromD50(toD50(of)) : undefined;
