/*
 * Letters for pictures: capitals, digits and a few signs of 5 × 7 pixels, drawn by hand for the
 * labels of `taesd steps`. Without them labels would need a library of fonts.
 */

/** The pixels of a glyph; `advance` leads from one glyph to the next. */
export const GLYPH = { width: 5, height: 7, advance: 6 } as const;

/** Signs and their drawing, one glyph beside the other. */
const ROWS: readonly (readonly [signs: string, drawing: string])[] = [
  [
    'ABCDEFGHIJKLM',
    `
.###. ####. .#### ####. ##### ##### .#### #...# .###. ..### #...# #.... #...#
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #..#. #.... ##.##
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.#
##### ####. #.... #...# ####. ####. #..## ##### ..#.. ...#. ##... #.... #.#.#
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...#
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...#
#...# ####. .#### ####. ##### #.... .#### #...# .###. .##.. #...# ##### #...#`,
  ],
  [
    'NOPQRSTUVWXYZ',
    `
#...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
#.#.# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
#..## #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
#...# #...# #.... #.#.# #.#.. ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#...
#...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....
#...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####`,
  ],
  [
    '0123456789',
    `
.###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###.
#...# .##.. #...# #...# ..##. #.... #.... ....# #...# #...#
#..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#
#.#.# ..#.. ..##. ..##. #..#. ....# ####. ..#.. .###. .####
##..# ..#.. .#... ....# ##### ....# #...# .#... #...# ....#
#...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ....#
.###. .###. ##### .###. ...#. .###. .###. .#... .###. .###.`,
  ],
  [
    '.,:-+/%×=',
    `
..... ..... ..... ..... ..... ....# ##..# ..... .....
..... ..... ..#.. ..... ..#.. ...#. ##.#. #...# .....
..... ..... ..#.. ..... ..#.. ...#. ..#.. .#.#. #####
..... ..... ..... ##### ##### ..#.. ..#.. ..#.. .....
..... ..... ..#.. ..... ..#.. .#... ..#.. .#.#. #####
..... ..#.. ..#.. ..... ..#.. .#... .#.## #...# .....
..#.. .#... ..... ..... ..... #.... #..## ..... .....`,
  ],
];

/**
 * Yields the pixels of a text in capitals. An unknown sign leaves a gap, as a space does.
 */
export function* inkOf(text: string): Generator<readonly [x: number, y: number]> {
  for (const [n, sign] of [...text.toUpperCase()].entries()) {
    const row = ROWS.find(([signs]) => signs.includes(sign));
    if (row === undefined) continue;
    const [signs, drawing] = row;
    // A line holds its glyphs, a gap after each but the last, and a line break.
    const lineLength = signs.length * GLYPH.advance;
    const first = 1 + signs.indexOf(sign) * GLYPH.advance;
    for (let y = 0; y < GLYPH.height; y++) {
      for (let x = 0; x < GLYPH.width; x++) {
        if (drawing[first + y * lineLength + x] === '#') yield [n * GLYPH.advance + x, y];
      }
    }
  }
}
