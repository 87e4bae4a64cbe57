/**
 * The filters of a row by their number in the file.
 * Source: https://www.w3.org/TR/png-3/#9Filter-types
 */
export const NONE = 0;
export const SUB = 1;
export const UP = 2;
export const AVERAGE = 3;
export const PAETH = 4;

/*
 * Rows in this file are u8 [pixelBytes + rowBytes]: one pixel of zeros and then the row, so that
 * the first pixel has a left neighbour too. The names are the standard's: a is left of x, b is
 * above x, c is above a.
 *
 *          0   pixelBytes                     length
 *   above  0 0 0 │ … c b …
 *   row    0 0 0 │ … a x …
 */

/**
 * Returns that one of a, b and c which is nearest to a + b − c.
 * Source: https://www.w3.org/TR/png-3/#9Filter-type-4-Paeth
 */
function paeth(a: number, b: number, c: number): number {
  const toA = Math.abs(b - c);
  const toB = Math.abs(a - c);
  const toC = Math.abs(a + b - c - c);
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** Returns |x| of a byte taken as signed: 255 is −1. */
const magnitude = (x: number): number => Math.abs((x << 24) >> 24);

/**
 * Chooses the filter whose bytes, taken as signed, have the smallest sum of magnitudes. Among equal
 * sums it chooses the filter with the lowest number.
 * Source: https://www.w3.org/TR/png-3/#12Filter-selection
 *
 * @param row    u8 [pixelBytes + rowBytes], as above
 * @param above  u8 [pixelBytes + rowBytes], the row above; zeros for the first row
 */
export function chooseFilter(row: Uint8Array, above: Uint8Array, pixelBytes: number): number {
  let none = 0;
  let sub = 0;
  let up = 0;
  let average = 0;
  let nearest = 0;
  for (let i = pixelBytes; i < row.length; i++) {
    const x = row[i];
    const a = row[i - pixelBytes];
    const b = above[i];
    const c = above[i - pixelBytes];
    none += magnitude(x);
    sub += magnitude(x - a);
    up += magnitude(x - b);
    average += magnitude(x - ((a + b) >> 1));
    nearest += magnitude(x - paeth(a, b, c));
  }
  const sums = [none, sub, up, average, nearest];
  return sums.indexOf(Math.min(...sums));
}

/**
 * Writes a row as the file stores it before compression: the filter's number, then x − prediction,
 * modulo 256.
 *
 * @param line   u8 [1 + rowBytes], written
 * @param row    u8 [pixelBytes + rowBytes], as above
 * @param above  u8 [pixelBytes + rowBytes], the row above; zeros for the first row
 */
export function filterRow(
  line: Uint8Array,
  filter: number,
  row: Uint8Array,
  above: Uint8Array,
  pixelBytes: number,
): void {
  line[0] = filter;
  for (let i = pixelBytes, to = 1; i < row.length; i++, to++) {
    const a = row[i - pixelBytes];
    const b = above[i];
    let prediction = 0;
    if (filter === SUB) prediction = a;
    else if (filter === UP) prediction = b;
    else if (filter === AVERAGE) prediction = (a + b) >> 1;
    else if (filter === PAETH) prediction = paeth(a, b, above[i - pixelBytes]);
    line[to] = row[i] - prediction;
  }
}
