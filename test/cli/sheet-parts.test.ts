import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GLYPH, hasGlyph, inkOf } from '../../src/cli/maps/bitmap-font.ts';
import { byMatrix } from '../../src/cli/sheet/by-matrix.ts';
import { lines, printable, shortName, signsIn, withoutMiddle } from '../../src/cli/sheet/labels.ts';
import { layoutOf, thumbnailSize } from '../../src/cli/sheet/layout.ts';
import { type FittedSpace, MATRICES } from '../../src/cli/sheet/matrices.ts';
import { Thumbnail } from '../../src/cli/sheet/thumbnail.ts';
import { toVaeLatents } from '../../src/latent.ts';
import { latentSpaces, VARIANTS } from '../../src/model/variants.ts';
import type { Tensor } from '../../src/tensor.ts';
import { readGolden } from '../golden.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { testShared } from '../shared.ts';
import { expectError } from '../thrown-by.ts';
import { matrixError } from './matrix-error.ts';

/** The bytes [height][width][3] of RGBA rows, reduced. */
function reduced(rgba: Uint8ClampedArray, from: [number, number], to: [number, number]): number[] {
  const [width, height] = from;
  const thumbnail = new Thumbnail({ width, height }, { width: to[0], height: to[1] });
  for (let y = 0; y < height; y++)
    thumbnail.addRow(rgba.subarray(4 * y * width, 4 * (y + 1) * width));
  return [...thumbnail.picture().data];
}

/** Grey RGBA pixels; their alpha differs and must not count. */
const grey = (...bytes: number[]) =>
  Uint8ClampedArray.from(bytes.flatMap((byte, i) => [byte, byte, byte, i]));

describe('the mean by area', () => {
  test('every byte at its own size → itself', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    const picture = reduced(grey(...bytes), [256, 1], [256, 1]);
    expect(picture).toEqual(bytes.flatMap((byte) => [byte, byte, byte]));
  });

  test('black and white → 188, half of the light, not 128', () => {
    expect(reduced(grey(0, 255), [2, 1], [1, 1])).toEqual([188, 188, 188]);
    expect(reduced(grey(0, 255, 255, 0), [2, 2], [1, 1])).toEqual([188, 188, 188]);
  });

  test('3 pixels to 2 → the middle one is shared', () => {
    // A third of the light: 255 · (1.055 · (1/3)^(1/2.4) − 0.055) is 156.
    const [a, , , b] = reduced(grey(0, 255, 0), [3, 1], [2, 1]);
    expect([a, b]).toEqual([156, 156]);
    expect(reduced(grey(255, 255, 0), [3, 1], [2, 1])).toEqual([255, 255, 255, 156, 156, 156]);
  });

  test('flat colours at any pair of sizes → unchanged', () => {
    for (const [from, to] of [
      [
        [7, 5],
        [3, 2],
      ],
      [
        [97, 1],
        [96, 1],
      ],
      [
        [13, 100],
        [1, 64],
      ],
      [
        [8, 8],
        [8, 3],
      ],
    ] as [[number, number], [number, number]][]) {
      const rgba = grey(...Array.from({ length: from[0] * from[1] }, () => 201));
      expect(new Set(reduced(rgba, from, to)), `${from} to ${to}`).toEqual(new Set([201]));
    }
  });
});

describe('labels', () => {
  test('long names → the middle is lost, the length kept', () => {
    expect(withoutMiddle('photo.png', 9)).toBe('photo.png');
    expect(withoutMiddle('photograph.png', 9)).toBe('phot….png');
    expect([...withoutMiddle('x'.repeat(1000), 32)]).toHaveLength(32);
    expect(withoutMiddle('abc', 1)).toBe('…');
  });

  test('long names of files → the ending goes first, then the middle', () => {
    expect(shortName('a.safetensors', 13)).toBe('a.safetensors');
    expect(shortName('photo_0001.safetensors', 10)).toBe('photo_0001');
    expect(shortName('photograph_0001.safetensors', 10)).toBe('photo…0001');
    expect(shortName(`${'x'.repeat(96)}0001`, 32)).toBe(`${'x'.repeat(16)}…${'x'.repeat(11)}0001`);
  });

  test('other alphabets and accents → letters without accents, boxes', () => {
    expect(printable('Übergröße é.npy')).toBe('Ubergro□e e.npy');
    expect(printable('写真 1\u202e')).toBe('□□ 1□');
  });

  test('sentences → lines, broken between words if it can be', () => {
    expect(lines('no latents', 8, 3)).toEqual(['no', 'latents']);
    expect(lines('expected_a_long_word here', 10, 9)).toEqual(['expected_a', '_long_word', 'here']);
    expect(lines('one two three four', 5, 2)).toEqual(['one', 'two…']);
    expect(lines('', 8, 2)).toEqual([]);
  });

  test('every printable sign of ASCII → a glyph of its own', () => {
    const signs = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
    expect(signs.filter((sign) => !hasGlyph(sign))).toEqual([]);
    const drawn = signs.map((sign) => JSON.stringify([...inkOf(sign)]));
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const [x, y] of inkOf('gjpqy')) {
      expect(x % GLYPH.advance).toBeLessThan(GLYPH.width);
      expect(y).toBeLessThan(GLYPH.height + GLYPH.depth);
    }
  });

  test('a width → the signs that fit, without the gap behind the last', () => {
    expect(signsIn(5, 1)).toBe(1);
    expect(signsIn(10, 1)).toBe(1);
    expect(signsIn(11, 1)).toBe(2);
    expect(signsIn(192, 1)).toBe(32);
    expect(signsIn(192, 2)).toBe(16);
  });
});

describe('layout', () => {
  test.each([
    [1, 192, undefined, 1, 208],
    [3, 192, undefined, 3, 608],
    [40, 192, undefined, 8, 1608],
    [2000, 192, undefined, 28, 5608],
    [1_000_000, 192, undefined, 81, 16208],
    [40, 192, 5, 5, 1008],
    [40, 1024, undefined, 3, 3104],
    [40, 64, undefined, 22, 1592],
  ])(
    '%i files of %i pixels, %s columns → %i columns, %i pixels',
    (count, thumb, columns, used, width) => {
      const layout = layoutOf(count, thumb, columns);
      expect([layout.columns, layout.width]).toEqual([used, width]);
      expect(layout.rows).toBe(Math.ceil(count / used));
      expect(layout.height).toBe(layout.rows * (layout.tileHeight + 8) + 8);
    },
  );

  test('sizes of pictures → at most the thumbnail, never enlarged, at least 1', () => {
    expect(thumbnailSize({ width: 512, height: 300 }, 192)).toEqual({ width: 192, height: 113 });
    expect(thumbnailSize({ width: 64, height: 8 }, 192)).toEqual({ width: 64, height: 8 });
    expect(thumbnailSize({ width: 8, height: 80000 }, 192)).toEqual({ width: 1, height: 192 });
  });
});

const shownAs = (latents: Tensor, model: keyof typeof VARIANTS, space: 'diffusion' | 'vae') => ({
  latents,
  model,
  space,
  isAssumed: false,
  width: latents.shape[3] * 8,
  height: latents.shape[2] * 8,
  batch: 1,
});

describe('matrices', () => {
  test('every latent space → a row for each channel and a constant', () => {
    const fitted = Object.keys(MATRICES) as FittedSpace[];
    const none = ['taesana', 'taeqi2_1', 'taew2_1'];
    expect(fitted).toEqual(latentSpaces().filter((space) => !none.includes(space)));
    for (const space of fitted) {
      expect(MATRICES[space]).toHaveLength(VARIANTS[space].latentChannels + 1);
    }
  });

  test.each([
    ['taesana', 32],
    ['taeqi2_1', 64],
    ['taew2_1', 16],
  ] as const)(
    'latents of %s, which has no matrix → refused, with the way out',
    (model, channels) => {
      const data = new Float32Array(channels);
      const shown = shownAs({ shape: [1, channels, 1, 1], data }, model, 'diffusion');
      const rule = `"latents" expected those of a model with a matrix, got ${model}`;
      const message = `${rule} (without --matrix its weights draw them)`;
      expectError(() => byMatrix(shown, { width: 1, height: 1 }), 'UNSUPPORTED', message);
    },
  );

  test('one latent → its colour everywhere, enlarged or not', () => {
    const data = Float32Array.from({ length: 16 }, (_, i) => (i === 2 ? 0.5 : 0));
    const shown = shownAs({ shape: [1, 16, 1, 1], data }, 'taef1', 'diffusion');
    const right = MATRICES.taef1[16].map((constant, c) => constant + MATRICES.taef1[2][c] / 2);
    const colour = [...Uint8ClampedArray.from(right)];
    expect([...byMatrix(shown, { width: 1, height: 1 }).data]).toEqual(colour);
    const large = byMatrix(shown, { width: 8, height: 8 });
    for (let i = 0; i < 64; i++) expect([...large.data.subarray(3 * i, 3 * i + 3)]).toEqual(colour);
  });

  test('latents in VAE space → the picture of diffusion space', () => {
    const latents = randomTensor(seededRandom(5), [1, 16, 6, 4], 0.7);
    const size = { width: 20, height: 30 };
    const direct = byMatrix(shownAs(latents, 'taesd3', 'diffusion'), size);
    const vae = byMatrix(shownAs(toVaeLatents(latents, 'taesd3'), 'taesd3', 'vae'), size);
    const most = direct.data.reduce(
      (max, byte, i) => Math.max(max, Math.abs(byte - vae.data[i])),
      0,
    );
    expect(most).toBeLessThanOrEqual(1);
  });

  /** The error that weights/matrix/README.md states for golden tensors. */
  const stated = new Map(
    [
      ...readFileSync(new URL('../../weights/matrix/README.md', import.meta.url), 'utf8').matchAll(
        /^\| `(\w+)` \| `([\w-]+)` \| ([\d.]+) dB \|$/gm,
      ),
    ].map(([, space, file, decibels]) => [space, { file, decibels }]),
  );
  for (const space of Object.keys(MATRICES) as FittedSpace[]) {
    testShared(`${space} on golden tensors → the error that the table states`, () => {
      const row = stated.get(space);
      const golden = readGolden(row?.file ?? '');
      const decoded = golden('decoded');
      const bytes = Uint8ClampedArray.from(decoded.data, (value) => 255 * value);
      const error = matrixError(space, golden('latents'), (c, y, x) => {
        const [, , height, width] = decoded.shape;
        return bytes[(c * height + y) * width + x];
      });
      expect(error.toFixed(2)).toBe(row?.decibels);
    });
  }
});
