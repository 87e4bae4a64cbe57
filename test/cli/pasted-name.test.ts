import { expect, test } from 'vitest';
import { pastedName } from '../../src/cli/files/pasted-name.ts';
import { nearest } from '../../src/cli/line/nearest.ts';

test.each([
  ['a.gif', '"magick a.gif out.png" of ImageMagick'],
  ['-a.gif', '"magick ./-a.gif out.png" of ImageMagick'],
  ["my pic's.gif", `"magick 'my pic'\\''s.gif' out.png" of ImageMagick`],
  ['-', '"magick in.gif out.png" of ImageMagick'],
])('pastedName: %s → a line for a shell', (path, line) => {
  expect(pastedName(path, '"magick in.gif out.png" of ImageMagick')).toBe(line);
});

test('pastedName: a frame, an option before the name, no line → quoted, in its place, unchanged', () => {
  expect(pastedName('a.gif', '"magick in.gif[0] out.png"')).toBe(`"magick 'a.gif[0]' out.png"`);
  const extract = '"opj_decompress -i in.jp2 -o out.png"';
  expect(pastedName('b.jp2', extract)).toBe(extract.replace('in.jp2', 'b.jp2'));
  expect(pastedName('a.gif', 'the file in.gif is cut off')).toBe('the file in.gif is cut off');
});

test('nearest: hyphens, capitals, two letters wrong → the word; further off → undefined', () => {
  const words = ['max-size', 'max-pixels', 'model', 'size'];
  const typed = ['maxsize', 'MAX_SIZE', 'modle', 'max-pixel', 'siz', 'x', 'colour'];
  expect(typed.map((word) => nearest(word, words))).toEqual([
    'max-size',
    'max-size',
    'model',
    'max-pixels',
    'size',
    undefined,
    undefined,
  ]);
});
