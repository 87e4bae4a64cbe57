import { describe, expect, test } from 'vitest';
import type { PictureSource } from '../../src/options/types.ts';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { chunk, file, IEND, idat, ihdr } from '../png/build-png.ts';
import { seededRandom } from '../random.ts';
import { displayP3ToSrgb } from './display-p3.ts';
import * as page from './page-code.ts';

/*
 * `encode` and `steps` of the pictures that browsers have: in real browsers, against the pixels
 * handed over directly.
 */

/** The DOM's own types are pictures without a cast. Checked by the compiler. */
export const sourceOf = (
  source:
    | ImageData
    | Blob
    | ImageBitmap
    | HTMLImageElement
    | HTMLCanvasElement
    | OffscreenCanvas
    | HTMLVideoElement
    | VideoFrame,
): PictureSource => source;

const COUNT = 400;
const random = seededRandom(9);
const corners = Array.from({ length: 8 }, (_, i) =>
  [i & 1, i & 2, i & 4].map((one) => (one ? 255 : 0)),
);
const others = Array.from({ length: COUNT - 8 }, () =>
  [0, 1, 2].map(() => Math.floor(256 * random())),
);
const COLOURS = [...corners, ...others];
const rgba = (colours: readonly (readonly number[])[]) => colours.flatMap((one) => [...one, 255]);
const EXACT = COLOURS.map((one) => displayP3ToSrgb(one.map((value) => value / 255)));
const SRGB = rgba(EXACT.map((one) => one.map(Math.round)));
/** cICP: the primaries of Display P3, sRGB's transfer function, RGB, full range. */
const P3_PNG = file(
  ihdr({ width: COUNT, height: 1, depth: 8, colourType: 2 }),
  chunk('cICP', [12, 13, 0, 1]),
  idat([0, ...COLOURS.flat()]),
  IEND,
);
const PICTURE = file(
  ihdr({ width: 1, height: 1, depth: 8, colourType: 2 }),
  idat([0, 1, 2, 3]),
  IEND,
);

const worst = (bytes: readonly number[]) =>
  bytes.reduce((most, value, i) => Math.max(most, Math.abs(value - SRGB[i])), 0);

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined)
    console.warn(`skipping tests of pictures on a page: no ${browser} here`);
  const run = (code: string, more: { preferences?: Readonly<Record<string, unknown>> } = {}) =>
    runOnPage(code, { browser: browser as BrowserName, weights: () => PICTURE, ...more });

  describe.skipIf(program === undefined)(`sources [${browser}]`, () => {
    test('encode: every kind of picture → the latents of its pixels', async () => {
      const found = (await run(page.KINDS)) as Record<string, unknown>;
      const names =
        'ImageData Blob File untyped BlobOfParts ImageBitmap OffscreenCanvas canvas img VideoFrame anotherFrame canvasOfAnotherFrame';
      expect(found).toEqual(Object.fromEntries(names.split(' ').map((name) => [name, 0])));
    });

    test('encode: a video → the latents of the frame it shows; without one → ARG', async () => {
      expect(await run(page.VIDEO)).toEqual({
        before:
          'ARG: encode: "image" expected a <video> that shows a frame, got one without any (wait for its event loadeddata)',
        difference: 0,
      });
    });

    test('encode: a source that is changed, closed or transferred after the call → as it was', async () => {
      const found = (await run(page.AFTERWARDS)) as Record<string, unknown>;
      expect(Object.keys(found)).toHaveLength(10);
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, 0])));
    });

    test('encode: options; steps; a worker; no OffscreenCanvas → as for other pictures', async () => {
      expect(await run(page.OPTIONS)).toEqual({
        composite: 0,
        drop: 0,
        scaled: 0,
        transparent: 0,
        badAlpha: 'ARG: encode: "alpha" expected \'composite\' or \'drop\', got "keep"',
        aborted: expect.stringMatching(/^ABORTED: encode: aborted/),
        abortedLater: expect.stringMatching(/^ABORTED: encode: aborted/),
        afterAbort: 0,
        last: { done: 3, total: 3 },
        steps: expect.closeTo(0, 4),
        part: 'ARG: steps: "input" expected latents for the decoder, got a picture (encode it first)',
        worker: [0, 0, 0],
        withoutContext:
          'UNSUPPORTED: encode: "image" expected a canvas to read its pixels, got none (decodePicture of taesd-wasm/picture reads PNG, JPEG and WebP without one)',
        withoutOffscreen: 0,
      });
    });

    test('encode: sources without pixels → errors, and the instance works', async () => {
      const bitmap =
        'ARG: encode: "image" expected an ImageBitmap that is open, got one that was closed or transferred (encode it before it is closed, or pass a copy on)';
      const image = (got: string) =>
        `ARG: encode: "image" expected an <img> that has loaded, got ${got} (await its decode() first; an SVG needs a width and a height)`;
      const canvas = (got: string) =>
        `ARG: encode: "image" expected a canvas of at least 1×1, got ${got} (some browsers read no canvas before it has a context)`;
      const tainted =
        'ARG: encode: "image" expected a picture that this page may read, got one of another site (crossOrigin="anonymous" on the element helps if its server allows it)';
      const blob = (got: string) =>
        `FORMAT: encode: "image" expected a picture that this browser reads, got ${got}`;
      const other = (got: string, hint = '') =>
        `ARG: encode: "image" expected a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }, got ${got}${hint}`;
      expect(await run(page.FAULTS)).toEqual({
        'closed ImageBitmap': bitmap,
        'transferred ImageBitmap': bitmap,
        'closed VideoFrame':
          'ARG: encode: "image" expected a VideoFrame that is open, got one that was closed or transferred (encode it before it is closed)',
        'empty canvas': canvas('0×150'),
        'empty OffscreenCanvas': canvas('5×0'),
        'broken img': image('one without a picture'),
        'loading img': image('one that has not'),
        'img without src': image('one without a picture'),
        'img of another site': tainted,
        'tainted canvas': tainted,
        'bitmap of a tainted canvas': tainted,
        HEIC: blob(
          'a Blob of image/heic, a HEIC file ("heif-dec in.heic out.png" of libheif makes a PNG of it)',
        ),
        'cut PNG': blob('a Blob of image/png, a PNG file (damaged file?)'),
        'damaged Blob': blob('a Blob of image/x-mine'),
        'untyped damaged Blob': blob('a Blob of no type'),
        'empty Blob': blob('an empty Blob'),
        SVG: blob(
          'a Blob of image/svg+xml, an SVG file (an <img> of its width and height can be encoded)',
        ),
        svgImage: 0,
        detached:
          'ARG: encode: "image data" expected live data, got a detached buffer (transferred to a worker?)',
        'a file': expect.stringContaining('(a file? decodePicture of taesd-wasm/picture reads it)'),
        'a div': other('HTMLDivElement'),
        'a string': other('"photo.jpg"'),
        unhandled: [],
      });
    });

    test('Display P3: ImageData, a canvas, a PNG, floats → sRGB; bytes exact, the rest within 1', async () => {
      const code = page.coloursOnPage(rgba(COLOURS), SRGB, P3_PNG);
      const found = (await run(code)) as Record<string, unknown> & Record<string, number[]>;
      expect(found.likePixels).toBe(0);
      expect(worst(found.png)).toBeLessThanOrEqual(1);
      expect(worst(found.floats)).toBeLessThanOrEqual(1);
      if (found.hasWideImageData) expect(found.wide).toBe(0);
      if (found.hasWideCanvas) expect(worst(found.canvas)).toBeLessThanOrEqual(1);
      if (found.hasFloats) expect(found.floatImageData).toBe(0);
      // Chromium has all three; a browser without them has nothing to convert.
      const { hasWideImageData, hasWideCanvas, hasFloats } = found;
      if (browser === 'chromium') {
        expect([hasWideImageData, hasWideCanvas, hasFloats]).toEqual([true, true, true]);
      }
    });

    test('a JPEG of each EXIF orientation, as a Blob and an img → turned as the standard says', async () => {
      expect(await run(page.ORIENTATIONS)).toEqual(Array(8).fill([0, 0]));
    });

    test('larger than the canvas it is read through → tile by tile, no pixel wrong', async () => {
      expect(await run(page.LARGE)).toEqual({
        '2049x4100': { turns: 6, wrong: 0 },
        '40000x2': { turns: 20, wrong: 0 },
        '2x40000': { turns: 20, wrong: 0 },
      });
    });
  });
}

describe.skipIf(firefox === undefined)('sources [firefox]', () => {
  test('a browser that resists fingerprinting → UNSUPPORTED, and pixels in memory are encoded', async () => {
    const preferences = { 'privacy.resistFingerprinting': true };
    expect(await runOnPage(page.NOISE, { browser: 'firefox', preferences })).toEqual({
      error:
        'encode: "image" expected a canvas that gives back its pixels, got noise (protection against fingerprinting: allow this site to read canvases, or use decodePicture of taesd-wasm/picture)',
      shape: [1, 4, 1, 1],
    });
  });
});
