import { GLYPH, hasGlyph } from '../maps/bitmap-font.ts';

/*
 * Texts of a sheet, cut to the signs that the font has and to the width of a tile.
 */

/** The number of signs that fit into a width in pixels. */
export const signsIn = (width: number, scale: number): number =>
  Math.floor((width / scale + GLYPH.advance - GLYPH.width) / GLYPH.advance);

/**
 * Returns a text in signs of the font. Accents are dropped, and any other sign becomes a box, so
 * that a name keeps its length.
 */
export const printable = (text: string): string =>
  [...text.normalize('NFKD').replace(/\p{M}/gu, '')]
    .map((sign) => (hasGlyph(sign) ? sign : '□'))
    .join('');

/** Returns a text of at most `max` signs. A longer one loses its middle: both ends identify it. */
export function withoutMiddle(text: string, max: number): string {
  const signs = [...text];
  if (signs.length <= max) return text;
  const head = Math.ceil((max - 1) / 2);
  const tail = max - 1 - head;
  return `${signs.slice(0, head).join('')}…${signs.slice(signs.length - tail).join('')}`;
}

/** Breaks a text into at most `max` lines, between words if it can. */
export function lines(text: string, width: number, max: number): string[] {
  const all: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const end = rest.length <= width ? rest.length : rest.lastIndexOf(' ', width);
    // A long word without a space is cut; one that begins late moves to the next line.
    const at = end > width / 3 ? end : Math.min(width, rest.length);
    all.push(rest.slice(0, at));
    rest = rest.slice(at).trim();
  }
  if (all.length <= max) return all;
  return [...all.slice(0, max - 1), `${all[max - 1].slice(0, width - 1)}…`];
}
