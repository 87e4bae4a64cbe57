import type { Rgb } from '../../index.ts';

/*
 * The colours of numbers. 0 is dark. Positive numbers go through orange to white, negative ones
 * through blue to white.
 */

/** The colour between maps and under text. */
export const BACKGROUND: Rgb = [38, 41, 48];

/** The colours from 0 to the scale's end, a quarter of the scale apart. */
const POSITIVE: readonly Rgb[] = [
  [8, 8, 12],
  [112, 32, 20],
  [222, 94, 24],
  [252, 186, 72],
  [255, 255, 240],
];
const NEGATIVE: readonly Rgb[] = [
  [8, 8, 12],
  [18, 44, 120],
  [30, 108, 206],
  [104, 190, 240],
  [240, 252, 255],
];
const NOT_A_NUMBER: Rgb = [255, 0, 255];

/** Returns the colour of a number from −1 to 1. Numbers beyond get the colour of the nearer end. */
export function colourOf(value: number): Rgb {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const colours = value < 0 ? NEGATIVE : POSITIVE;
  const at = Math.min(Math.abs(value), 1) * (colours.length - 1);
  const [from, to] = [colours[Math.floor(at)], colours[Math.ceil(at)]];
  const part = at - Math.floor(at);
  const mixed = (c: 0 | 1 | 2) => from[c] + (to[c] - from[c]) * part;
  return [mixed(0), mixed(1), mixed(2)];
}
