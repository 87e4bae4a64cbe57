import { AVERAGE, NONE, PAETH, SUB } from './filter.ts';

/** Stands for the row above the first row of a pass, which is all 0. */
export const NO_ROW = -1;

/**
 * Undoes the filter of one row, in place.
 * Source: https://www.w3.org/TR/png-3/#9Filters
 *
 * @param lines       rows with a filter byte before each
 * @param at          the offset of the row's filter byte, 0 to 4
 * @param above       the offset of the first byte of the row above, already undone, or `NO_ROW`
 * @param rowBytes    bytes of the row without its filter byte
 * @param pixelBytes  bytes from a pixel to its left neighbour, at least 1
 */
export function unfilterRow(
  lines: Uint8Array,
  at: number,
  above: number,
  rowBytes: number,
  pixelBytes: number,
): void {
  const filter = lines[at];
  const first = at + 1;
  const end = first + rowBytes;
  const second = Math.min(first + pixelBytes, end);
  if (filter === NONE) return;
  if (filter === SUB) {
    for (let i = second; i < end; i++) lines[i] += lines[i - pixelBytes];
    return;
  }
  if (above === NO_ROW) {
    // With zeros above, up does nothing, average halves the left and Paeth chooses it.
    if (filter === AVERAGE) {
      for (let i = second; i < end; i++) lines[i] += lines[i - pixelBytes] >> 1;
    } else if (filter === PAETH) {
      for (let i = second; i < end; i++) lines[i] += lines[i - pixelBytes];
    }
    return;
  }
  let b = above;
  if (filter === AVERAGE) {
    for (let i = first; i < second; i++) lines[i] += lines[b++] >> 1;
    for (let i = second; i < end; i++) lines[i] += (lines[i - pixelBytes] + lines[b++]) >> 1;
  } else if (filter === PAETH) {
    for (let i = first; i < second; i++) lines[i] += lines[b++];
    for (let i = second; i < end; i++) {
      const left = lines[i - pixelBytes];
      const up = lines[b];
      const corner = lines[b++ - pixelBytes];
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - corner - corner);
      lines[i] += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
  } else {
    for (let i = first; i < end; i++) lines[i] += lines[b++];
  }
}
