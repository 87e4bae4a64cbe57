import { readIndex } from './option-values.ts';

/*
 * Readers of the option values of `taesd sheet`, as those of option-values.ts.
 */

/** The limits of a sheet. */
export const [MIN_THUMB, MAX_THUMB, MAX_COLUMNS] = [64, 1024, 256];

/** Reads the side of a small picture. */
export function readThumb(text: string): number | undefined {
  const side = readIndex(text) ?? 0;
  return side >= MIN_THUMB && side <= MAX_THUMB ? side : undefined;
}

/** Reads a number of columns. */
export function readColumns(text: string): number | undefined {
  const count = readIndex(text) ?? 0;
  return count >= 1 && count <= MAX_COLUMNS ? count : undefined;
}
