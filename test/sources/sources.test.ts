import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PictureSource } from '../../src/options/types.ts';
import { Taesd } from '../../src/taesd.ts';
import { displayP3ToSrgb } from './display-p3.ts';

/*
 * Pictures of every kind where there is no browser: ImageData is converted, and the others are
 * refused with a remedy.
 */

let taesd: Taesd;
beforeAll(async () => {
  taesd = await Taesd.load({ model: 'nano', workers: 0 });
});
afterAll(() => taesd.dispose());

const SIZE = { width: 4, height: 2 };
const BYTES = Uint8Array.from({ length: 32 }, (_, i) => 37 * i);
/** The same numbers as floats; as Node 20 has no Float16Array, f32. */
const FLOATS = Float32Array.from(BYTES, (byte) => byte / 255);
const FLOAT_PICTURE = { ...SIZE, data: FLOATS, pixelFormat: 'rgba-float16' } as const;

test('encode: floats in sRGB, bytes of another realm → the latents of the bytes', async () => {
  const wanted = await taesd.encode({ ...SIZE, data: BYTES });
  expect(await taesd.encode(FLOAT_PICTURE)).toEqual(wanted);
  expect(await taesd.encode({ ...FLOAT_PICTURE, colorSpace: 'srgb' })).toEqual(wanted);
  const foreign = runInNewContext('Uint8ClampedArray.from(bytes)', { bytes: BYTES });
  expect(foreign instanceof Uint8ClampedArray).toBe(false);
  expect(await taesd.encode({ ...SIZE, data: foreign })).toEqual(wanted);
});

test('encode, steps: full red of Display P3, white, grey; RGB and RGBA → red, white, grey of sRGB', async () => {
  const colours = [255, 0, 0, 255, 255, 255, 90, 90, 90, 0, 0, 0];
  const wide = { width: 4, height: 1, data: Uint8Array.from(colours), colorSpace: 'display-p3' };
  const wanted = await taesd.encode({ ...wide, colorSpace: 'srgb' });
  expect(await taesd.encode(wide)).toEqual(wanted);
  const rgba = [0, 3, 6, 9].flatMap((at) => [...colours.slice(at, at + 3), 255]);
  expect(await taesd.encode({ ...wide, data: Uint8Array.from(rgba) })).toEqual(wanted);
  let last: Float32Array | undefined;
  for await (const { output } of taesd.steps(wide)) last = output.data;
  expect(last).toEqual(wanted.data);
  // The green of sRGB, which Display P3 writes with other numbers.
  const green = { width: 1, height: 1, data: Uint8Array.of(117, 251, 76) };
  const exact = displayP3ToSrgb([...green.data].map((byte) => byte / 255));
  const inSrgb = { ...green, data: Uint8Array.from(exact, Math.round) };
  expect([...inSrgb.data]).toEqual([3, 255, 0]);
  expect(await taesd.encode({ ...green, colorSpace: 'display-p3' })).toEqual(
    await taesd.encode(inSrgb),
  );
});

test('encode: numbers changed after the call → as they were', async () => {
  const data = FLOATS.slice();
  const encoding = taesd.encode({ ...FLOAT_PICTURE, data });
  data.fill(0);
  expect(await encoding).toEqual(await taesd.encode(FLOAT_PICTURE));
});

test('encode: aborted before and after the call → ABORTED', async () => {
  const signal = AbortSignal.abort();
  await expect(taesd.encode(FLOAT_PICTURE, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  const controller = new AbortController();
  const encoding = taesd.encode(FLOAT_PICTURE, { signal: controller.signal });
  controller.abort();
  await expect(encoding).rejects.toMatchObject({ code: 'ABORTED' });
});

const detached = { ...SIZE, data: BYTES.slice(), colorSpace: 'display-p3' };
structuredClone(detached.data.buffer, { transfer: [detached.data.buffer] });
const NO_PICTURE =
  'encode: "image" expected a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }, got ';
const NOT_FINITE = { ...FLOAT_PICTURE, data: FLOATS.map((value, i) => (i === 5 ? NaN : value)) };

const REFUSED: readonly [string, unknown, string, string][] = [
  [
    'a Blob',
    new Blob(['x']),
    'ARG',
    `${NO_PICTURE}Blob (decodePicture(await blob.arrayBuffer()) of taesd-wasm/picture reads it)`,
  ],
  [
    'a canvas of another package',
    { width: 1, height: 1, getContext: () => null },
    'ARG',
    `${NO_PICTURE}{ width, height, getContext } (getContext('2d').getImageData(0, 0, width, height) gives its pixels)`,
  ],
  [
    'an <img> of jsdom',
    { [Symbol.toStringTag]: 'HTMLImageElement' },
    'ARG',
    `${NO_PICTURE}Object (only browsers read its pixels)`,
  ],
  ['null', null, 'ARG', `${NO_PICTURE}null`],
  [
    'an object that refuses to be read',
    {
      get width() {
        throw new Error('no');
      },
    },
    'ARG',
    'encode: "image data" expected numbers that can be read, got no',
  ],
  [
    'floats without a format',
    { ...SIZE, data: FLOATS },
    'ARG',
    `${NO_PICTURE}{ width, height, data }`,
  ],
  [
    'an unknown colour space',
    { ...SIZE, data: BYTES, colorSpace: 'rec2020' },
    'UNSUPPORTED',
    'encode: "image colorSpace" expected srgb, srgb-linear, display-p3 or display-p3-linear, got "rec2020"',
  ],
  [
    'a property of every object as the colour space',
    { ...SIZE, data: BYTES, colorSpace: 'constructor' },
    'UNSUPPORTED',
    'encode: "image colorSpace" expected srgb, srgb-linear, display-p3 or display-p3-linear, got "constructor"',
  ],
  [
    'an unknown format',
    { ...FLOAT_PICTURE, pixelFormat: 'rgba-unorm16' },
    'UNSUPPORTED',
    'encode: "image pixelFormat" expected rgba-unorm8 or rgba-float16, got "rgba-unorm16"',
  ],
  [
    'a property of every object as the format',
    { ...FLOAT_PICTURE, pixelFormat: 'constructor' },
    'UNSUPPORTED',
    'encode: "image pixelFormat" expected rgba-unorm8 or rgba-float16, got "constructor"',
  ],
  [
    'numbers that are not of the format',
    { ...FLOAT_PICTURE, data: new Uint16Array(32) },
    'ARG',
    'encode: "image data" expected Float16Array or Float32Array for rgba-float16, got Uint16Array of 64 bytes',
  ],
  [
    'too few numbers',
    { ...FLOAT_PICTURE, data: FLOATS.slice(1) },
    'ARG',
    'encode: "image data" expected 24 (RGB) or 32 (RGBA) bytes for 4×2, got 31',
  ],
  [
    'detached data',
    detached,
    'ARG',
    'encode: "image data" expected live data, got a detached buffer (transferred to a worker?)',
  ],
  [
    'NaN',
    NOT_FINITE,
    'NONFINITE',
    'encode: "image data" expected finite numbers, got NaN at element 5 (allowNonFinite: true clamps it, and NaN to 0)',
  ],
];

for (const [name, source, code, message] of REFUSED) {
  test(`encode: ${name} → ${code}, and the instance works`, async () => {
    const refused = await taesd.encode(source as PictureSource).catch((error) => error);
    expect(refused).toMatchObject({ name: 'TaesdError', code, message });
    const { shape } = await taesd.encode({ ...SIZE, data: BYTES });
    expect(shape).toEqual([1, 4, 1, 1]);
  });
}

test('encode: NaN with allowNonFinite → 0', async () => {
  const data = BYTES.slice();
  data[5] = 0;
  const latents = await taesd.encode(NOT_FINITE, { allowNonFinite: true });
  expect(latents).toEqual(await taesd.encode({ ...SIZE, data }));
});
