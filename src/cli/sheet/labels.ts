import { extname } from 'node:path';
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

/**
 * Returns a file's name of at most `max` signs. A longer one loses its ending and then its middle:
 * the numbers that tell files apart stand at the end.
 */
export const shortName = (name: string, max: number): string =>
  [...name].length <= max
    ? name
    : withoutMiddle(name.slice(0, -extname(name).length || undefined), max);

/** Breaks a text into at most `max` lines, between words if it can. */
export function lines(text: string, width: number, max: number): string[] {
  const all: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const at = breakOf(rest, width);
    all.push(rest.slice(0, at));
    rest = rest.slice(at).trim();
  }
  if (all.length <= max) return all;
  return [...all.slice(0, max - 1), `${all[max - 1].slice(0, width - 1)}…`];
}

/** Returns the end of a text's first line. A word is cut if it is longer than a line. */
function breakOf(text: string, width: number): number {
  if (text.length <= width) return text.length;
  const space = text.lastIndexOf(' ', width);
  const next = text.indexOf(' ', space + 1);
  const word = (next < 0 ? text.length : next) - space - 1;
  return space > 0 && word <= width ? space : width;
}
