import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { randomPicture } from './build-png.ts';

const samplesOf = (channels: 3 | 4, width: number, height: number): Uint8Array =>
  Uint8Array.from(randomPicture(channels === 3 ? 2 : 6, 8, width, height).samples);

for (const [width, height] of [
  [1, 1],
  [1, 3],
  [5, 1],
  [9, 7],
  [64, 33],
] as const) {
  test(`encodePng: ${width}×${height} RGBA → decodePng gives the same bytes`, () => {
    const data = samplesOf(4, width, height);
    expect(decodePng(encodePng({ width, height, data }))).toEqual({
      width,
      height,
      data,
      text: new Map(),
      notes: [],
    });
  });

  test(`encodePng: ${width}×${height} RGB → decodePng gives the same colours, opaque`, () => {
    const data = samplesOf(3, width, height);
    const decoded = decodePng(encodePng({ width, height, data: new Uint8ClampedArray(data) })).data;
    const wanted = Array.from({ length: width * height }, (_, pixel) => [
      ...data.subarray(pixel * 3, pixel * 3 + 3),
      255,
    ]);
    expect([...decoded]).toEqual(wanted.flat());
  });
}

test('encodePng: RGB → three channels in the file, read without this package', () => {
  const png = encodePng({ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  expect([...png.subarray(8, 33)].slice(0, 21)).toEqual([
    ...[0, 0, 0, 13, 73, 72, 68, 82],
    ...[0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0],
  ]);
  const length = new DataView(png.buffer, png.byteOffset).getUint32(33);
  expect([...inflateSync(png.subarray(41, 41 + length))]).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test('encodePng: an offset subarray → the same file; input unchanged', () => {
  const data = samplesOf(4, 3, 5);
  const inside = new Uint8Array(data.length + 7);
  inside.set(data, 3);
  const view = inside.subarray(3, 3 + data.length);
  expect(encodePng({ width: 3, height: 5, data: view })).toEqual(
    encodePng({ width: 3, height: 5, data }),
  );
  expect(view).toEqual(data);
});

test('encodePng: texts → decodePng gives the same texts', () => {
  const text = { Title: 'caf\xe9 \x80\nsecond line', 'a b': '', é: 'x'.repeat(65536) };
  const image = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
  expect([...decodePng(encodePng(image, text)).text]).toEqual(Object.entries(text));
  const odd = JSON.parse('{"__proto__":"just a name"}') as Record<string, string>;
  expect([...decodePng(encodePng(image, odd)).text]).toEqual([['__proto__', 'just a name']]);
});

const RGB_1X1 = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
const SIZE_RULE = 'expected a whole number from 1 to 2147483647';
const KEYWORD_RULE = 'expected 1 to 79 printable Latin-1 characters, single spaces within';
const WRONG: readonly (readonly [string, unknown, unknown, string])[] = [
  ['width 0', { ...RGB_1X1, width: 0 }, {}, `"width" ${SIZE_RULE}, got 0`],
  ['width −8', { ...RGB_1X1, width: -8 }, {}, `"width" ${SIZE_RULE}, got -8`],
  ['width 1.5', { ...RGB_1X1, width: 1.5 }, {}, `"width" ${SIZE_RULE}, got 1.5`],
  ['height NaN', { ...RGB_1X1, height: NaN }, {}, `"height" ${SIZE_RULE}, got NaN`],
  ['height a string', { ...RGB_1X1, height: '1' }, {}, `"height" ${SIZE_RULE}, got "1"`],
  ['height 2³¹', { ...RGB_1X1, height: 2 ** 31 }, {}, `"height" ${SIZE_RULE}, got 2147483648`],
  [
    'five bytes for one pixel',
    { ...RGB_1X1, data: new Uint8Array(5) },
    {},
    '"data" expected 3 bytes of RGB or 4 of RGBA for 1×1, got 5',
  ],
  [
    'no bytes',
    { ...RGB_1X1, data: new Uint8Array(0) },
    {},
    '"data" expected 3 bytes of RGB or 4 of RGBA for 1×1, got 0',
  ],
  [
    'a product past 2⁵³',
    { width: 2 ** 31 - 1, height: 2 ** 31 - 1, data: new Uint8Array(4) },
    {},
    '"data" expected 13835058042397262000 bytes of RGB or 18446744056529682000 of RGBA for 2147483647×2147483647, got 4',
  ],
  [
    'a plain array',
    { ...RGB_1X1, data: [1, 2, 3] },
    {},
    '"data" expected a Uint8Array or Uint8ClampedArray, got { 0, 1, 2 }',
  ],
  ['no image', undefined, {}, '"data" expected a Uint8Array or Uint8ClampedArray, got undefined'],
  ['text null', RGB_1X1, null, '"text" expected an object of strings, got null'],
  ['an empty keyword', RGB_1X1, { '': 'x' }, `"text keyword" ${KEYWORD_RULE}, got ""`],
  ['a leading space', RGB_1X1, { ' a': 'x' }, `"text keyword" ${KEYWORD_RULE}, got " a"`],
  ['a doubled space', RGB_1X1, { 'a  b': 'x' }, `"text keyword" ${KEYWORD_RULE}, got "a  b"`],
  ['a keyword past Latin-1', RGB_1X1, { 名: 'x' }, `"text keyword" ${KEYWORD_RULE}, got "名"`],
  [
    'a keyword of 80',
    RGB_1X1,
    { ['k'.repeat(80)]: 'x' },
    `"text keyword" ${KEYWORD_RULE}, got "${'k'.repeat(40)}…"`,
  ],
  ['a text of a number', RGB_1X1, { k: 5 }, '"text k" expected a string, got 5'],
  [
    'a text past Latin-1',
    RGB_1X1,
    { k: 'Ω' },
    '"text k" expected Latin-1 characters without NUL, got "Ω"',
  ],
  [
    'a text with NUL',
    RGB_1X1,
    { k: 'a\0' },
    '"text k" expected Latin-1 characters without NUL, got "a\\u0000"',
  ],
];

for (const [name, image, text, message] of WRONG) {
  test(`encodePng: ${name} → ARG, and the next call works`, () => {
    const call = () =>
      encodePng(image as Parameters<typeof encodePng>[0], text as Record<string, string>);
    expect(call).toThrow(new TaesdError('ARG', `encodePng: ${message}`));
    expect(call).toThrow(expect.objectContaining({ code: 'ARG' }));
    expect(decodePng(encodePng(RGB_1X1)).data).toEqual(Uint8Array.of(1, 2, 3, 255));
  });
}

test('encodePng: a detached buffer → ARG', () => {
  const data = new Uint8Array(3);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  expect(() => encodePng({ ...RGB_1X1, data })).toThrow(
    new TaesdError(
      'ARG',
      'encodePng: "data" expected live data, got a detached buffer (transferred to a worker?)',
    ),
  );
});

test('encodePng: a text above 64 KiB → LIMIT', () => {
  const call = () => encodePng(RGB_1X1, { k: 'x'.repeat(65537) });
  expect(call).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  expect(call).toThrow('encodePng: "text k" expected at most 65536 characters, got 65537');
});
