import { expect, test } from 'vitest';
import {
  dequantizeLatents,
  fromVaeLatents,
  latentsToPicture,
  pictureToLatents,
  quantizeLatents,
  toVaeLatents,
} from '../src/latent.ts';
import { readGolden } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { testShared } from './shared.ts';
import { withoutMemory } from './without-memory.ts';

test('quantizeLatents: each byte’s value → that byte; ties to even; ±3 and beyond → 0 and 255', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(quantizeLatents(dequantizeLatents(bytes))).toEqual(bytes);
  const at = (value: number) => quantizeLatents(Float32Array.of(value))[0];
  // 0 lies on 127.5, the one tie that is exact in float32.
  expect(at(0)).toBe(128);
  expect([-3, -3.1, -Infinity, NaN].map(at)).toEqual([0, 0, 0, 0]);
  expect([3, 3.1, Infinity].map(at)).toEqual([255, 255, 255]);
});

test('dequantizeLatents: → (q / 255 − 0.5) · 6, one step 0.0235', () => {
  const values = dequantizeLatents(Uint8Array.from({ length: 256 }, (_, i) => i));
  for (const [q, value] of values.entries()) {
    expect(Math.abs(value - (q / 255 - 0.5) * 6)).toBeLessThan(1e-6);
  }
  expect(values[0]).toBe(-3);
  expect(values[255]).toBe(3);
});

test('latentsToPicture: 4 channels → one RGBA picture, channel by channel', () => {
  const data = dequantizeLatents(Uint8Array.of(1, 2, 11, 12, 21, 22, 31, 32));
  const picture = latentsToPicture({ shape: [1, 4, 1, 2], data });
  expect([picture.width, picture.height]).toEqual([2, 1]);
  expect([...picture.data]).toEqual([1, 11, 21, 31, 2, 12, 22, 32]);
});

test('latentsToPicture: 16 channels → 4 tiles stacked, tile t holding 4t … 4t+3', () => {
  const data = dequantizeLatents(Uint8Array.from({ length: 32 }, (_, i) => i));
  const picture = latentsToPicture({ shape: [1, 16, 2, 1], data });
  expect([picture.width, picture.height]).toEqual([1, 8]);
  // Channel c holds 2c above and 2c + 1 below.
  expect([...picture.data.slice(0, 12)]).toEqual([0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14]);
});

for (const name of [
  'taef2-astronaut-130x101',
  'taeqi2_1-logo-128x96',
  'taeqi2_1-logo-alpha-128x96',
  'taeqi2_1-astronaut-alpha-130x102',
]) {
  testShared(
    `${name}: 8-bit latents, and their k tiles in a picture → taesd.py’s, to the bit`,
    () => {
      const golden = readGolden(`family/${name}`);
      const [latents, bytes, png] = ['latents', 'latents_u8', 'latent_png'].map(golden);
      expect(quantizeLatents(latents.data)).toEqual(Uint8Array.from(bytes.data));
      const picture = latentsToPicture(latents);
      const [, height, width] = png.shape;
      expect([picture.width, picture.height]).toEqual([width, height]);
      const area = width * height;
      const pixels = png.data.map((_, i) => png.data[(i % 4) * area + Math.floor(i / 4)]);
      expect(picture.data).toEqual(Uint8ClampedArray.from(pixels));
      const back = pictureToLatents(picture, latents.shape[1]);
      expect(back.shape).toEqual(latents.shape);
      expect(back.data).toEqual(dequantizeLatents(Uint8Array.from(bytes.data)));
    },
  );
}

test('quantizeLatents, dequantizeLatents: nothing in it → nothing', () => {
  expect(quantizeLatents(new Float32Array(0))).toEqual(new Uint8Array(0));
  expect(dequantizeLatents(new Uint8ClampedArray(0))).toEqual(new Float32Array(0));
});

function detached<T extends ArrayBufferView<ArrayBuffer>>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

for (const channels of [4, 16, 32, 64]) {
  test(`pictureToLatents: ${channels} channels, there and back → within half a step`, () => {
    const latents = randomTensor(seededRandom(channels), [1, channels, 5, 3], 3);
    const back = pictureToLatents(latentsToPicture(latents), channels);
    expect(back.shape).toEqual(latents.shape);
    for (const [i, value] of back.data.entries()) {
      expect(Math.abs(value - latents.data[i])).toBeLessThanOrEqual(3 / 255 + 1e-6);
    }
  });
}

test.each([
  [
    'quantizing nothing',
    () => quantizeLatents(undefined as never),
    'ARG',
    'quantizeLatents: "data" expected a Float32Array, got undefined',
  ],
  [
    'quantizing a tensor',
    () => quantizeLatents({ shape: [1], data: new Float32Array(1) } as never),
    'ARG',
    'quantizeLatents: "data" expected a Float32Array, got { shape, data }',
  ],
  [
    'quantizing a detached buffer',
    () => quantizeLatents(detached(new Float32Array(1))),
    'ARG',
    'quantizeLatents: "data" expected live data, got a detached buffer (transferred to a worker?)',
  ],
  [
    'dequantizing nothing',
    () => dequantizeLatents(undefined as never),
    'ARG',
    'dequantizeLatents: "bytes" expected a Uint8Array or Uint8ClampedArray, got undefined',
  ],
  [
    'dequantizing floats',
    () => dequantizeLatents(new Float32Array(1) as never),
    'ARG',
    'dequantizeLatents: "bytes" expected a Uint8Array or Uint8ClampedArray, got Float32Array of 4 bytes',
  ],
  [
    'dequantizing a detached buffer',
    () => dequantizeLatents(detached(new Uint8Array(1))),
    'ARG',
    'dequantizeLatents: "bytes" expected live data, got a detached buffer (transferred to a worker?)',
  ],
  [
    'no picture',
    () => pictureToLatents(undefined as never, 4),
    'ARG',
    'pictureToLatents: "picture" expected a picture { width, height, data: RGBA bytes }, got undefined',
  ],
  [
    'no multiple of 4',
    () => pictureToLatents({ width: 1, height: 1, data: new Uint8Array(4) }, 6),
    'ARG',
    'pictureToLatents: "channels" expected a multiple of 4, got 6',
  ],
  [
    'RGB',
    () => pictureToLatents({ width: 1, height: 1, data: new Uint8Array(3) }, 4),
    'ARG',
    'pictureToLatents: "picture" expected RGBA, whose alpha is a latent channel, got RGB',
  ],
  [
    'a height that 4 does not divide',
    () => pictureToLatents({ width: 2, height: 6, data: new Uint8Array(48) }, 16),
    'SHAPE',
    'pictureToLatents: "picture" expected a height that is a multiple of 4, for 16 latent channels, got 2×6 (a latent picture of a 4-channel model, or not a latent picture?)',
  ],
  [
    'a batch',
    () => latentsToPicture({ shape: [2, 4, 1, 1], data: new Float32Array(8) }),
    'SHAPE',
    'latentsToPicture: "latents" expected shape [1,4·k,h,w], got [2,4,1,1]',
  ],
  [
    'the wrong model',
    () => toVaeLatents({ shape: [1, 4, 1, 1], data: new Float32Array(4) }, 'taef1'),
    'SHAPE',
    'toVaeLatents: "latents" expected shape [N,16,h,w] for model taef1, got [1,4,1,1] (latents of taesd or taesdxl?)',
  ],
  [
    'an unknown model',
    () => fromVaeLatents({ shape: [1, 4, 1, 1], data: new Float32Array(4) }, 'vae' as never),
    'ARG',
    'fromVaeLatents: "model" expected one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1, got "vae"',
  ],
])('latents: %s → error', (_, work, code, message) => {
  expect(work).toThrow(expect.objectContaining({ code, message }));
});

test.each([
  ['taesd', 4, 0.18215, 0],
  ['taesdxl', 4, 0.13025, 0],
  ['taesd3', 16, 1.5305, 0.0609],
  ['taef1', 16, 0.3611, 0.1159],
] as const)(
  'fromVaeLatents: %s → (z − shift) · scale, and back; the input untouched',
  (model, channels, scale, shift) => {
    const z = randomTensor(seededRandom(channels), [2, channels, 3, 2], 10);
    const kept = z.data.slice();
    const x = fromVaeLatents(z, model);
    expect(z.data).toEqual(kept);
    expect([...x.data]).toEqual([...kept].map((value) => Math.fround((value - shift) * scale)));
    const back = toVaeLatents(x, model);
    for (const [i, value] of back.data.entries())
      expect(Math.abs(value - kept[i])).toBeLessThan(1e-5);
  },
);

const LATENTS = { shape: [1, 4, 1, 1], data: new Float32Array(4) };
const PICTURE = { width: 1, height: 1, data: new Uint8ClampedArray(4) };

test.each([
  [
    'fromVaeLatents',
    'Float32Array',
    'latents',
    () => fromVaeLatents(LATENTS, 'taesd'),
    '4 numbers',
  ],
  ['toVaeLatents', 'Float32Array', 'latents', () => toVaeLatents(LATENTS, 'taesd'), '4 numbers'],
  ['latentsToPicture', 'Uint8ClampedArray', 'bytes', () => latentsToPicture(LATENTS), '4 bytes'],
  ['pictureToLatents', 'Float32Array', 'data', () => pictureToLatents(PICTURE, 4), '4 numbers'],
] as const)('%s: without the memory → OOM; then it works', (where, array, what, work, amount) => {
  const message = `${where}: out of memory for "${what}": ${amount}`;
  const cause = expect.objectContaining({ message: 'Array buffer allocation failed' });
  const failing = () => withoutMemory(array, () => work());
  expect(failing).toThrow(expect.objectContaining({ code: 'OOM', message, cause }));
  expect(work()).toBeDefined();
});
