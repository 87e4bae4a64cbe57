import { expect, test } from 'vitest';
import { imageRows, pictureSink } from '../src/image.ts';
import type { AlphaOptions, ImageLike } from '../src/options/types.ts';
import { readAll, tensorRows, tensorSink } from '../src/rows.ts';
import type { Tensor } from '../src/tensor.ts';
import { seededRandom } from './random.ts';

const imageToTensor = (image: ImageLike, options?: AlphaOptions): Tensor =>
  readAll(imageRows(image, options));

function tensorToPicture(tensor: Tensor, width = tensor.shape[3]) {
  const { height, ...rows } = tensorRows(tensor);
  const data = new Uint8ClampedArray(4 * width * height);
  const sink = pictureSink({ width, height, data });
  const row = new Float32Array(rows.width * 5).fill(NaN);
  for (let y = 0; y < height; y++) {
    rows.read(y, row, 5); // a stride wider than the channels
    sink(y, row, 5);
  }
  return { width, height, data };
}

test('imageRows: every byte value → byte / 255 as PyTorch divides, planes in order', () => {
  const data = Uint8Array.from({ length: 256 * 3 }, (_, i) => (Math.floor(i / 3) + (i % 3)) % 256);
  const { shape, data: values } = imageToTensor({ width: 16, height: 16, data });
  expect(shape).toEqual([1, 3, 16, 16]);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < 256; i++) {
      expect(values[c * 256 + i]).toBe(Math.fround(((i + c) % 256) / 255));
    }
  }
});

test('imageRows: every alpha over every background level → (a·c + (255 − a)·b) / 255², opaque exact', () => {
  const random = seededRandom(1);
  for (let alpha = 0; alpha < 256; alpha++) {
    const colour = [0, 1, 2].map(() => Math.floor(256 * random()));
    const background = [0, 1, 2].map(() => Math.floor(256 * random())) as [number, number, number];
    const data = Uint8Array.of(...colour, alpha);
    const { data: values } = imageToTensor({ width: 1, height: 1, data }, { background });
    for (let c = 0; c < 3; c++) {
      const wanted = (alpha * colour[c] + (255 - alpha) * background[c]) / 65025;
      expect(Math.abs(values[c] - wanted)).toBeLessThanOrEqual(2 ** -24);
      if (alpha === 255) expect(values[c]).toBe(Math.fround(colour[c] / 255));
    }
  }
});

test('pictureSink: around every byte’s half → nearest; outside [0,1] clamped; NaN → 0', () => {
  const level = (value: number) =>
    tensorToPicture({ shape: [1, 3, 1, 1], data: Float32Array.of(value, 0, 0) }).data[0];
  for (let byte = 0; byte < 255; byte++) {
    expect(level((byte + 0.499) / 255)).toBe(byte);
    expect(level((byte + 0.501) / 255)).toBe(byte + 1);
    expect(level(byte / 255)).toBe(byte);
  }
  expect([-1, -1e30, -Infinity, NaN].map(level)).toEqual([0, 0, 0, 0]);
  expect([1, 1.5, 1e30, Infinity].map(level)).toEqual([255, 255, 255, 255]);
});

test('pictureSink: narrower than the rows → cropped', () => {
  const data = Float32Array.from([1, 2, 3, 4, 5, 6], (value) => value / 255);
  expect([...tensorToPicture({ shape: [1, 3, 1, 2], data }, 1).data]).toEqual([1, 3, 5, 255]);
});

test('pictureSink: planes → RGBA, alpha 255', () => {
  const data = Float32Array.from([1, 2, 3, 4, 5, 6], (value) => value / 255);
  expect([...tensorToPicture({ shape: [1, 3, 1, 2], data }).data]).toEqual([
    1, 3, 5, 255, 2, 4, 6, 255,
  ]);
});

test('tensorSink: rows wider than the tensor, a stride wider than the channels → the left part', () => {
  const tensor = { shape: [1, 2, 2, 3], data: new Float32Array(12) };
  const sink = tensorSink(tensor);
  for (const y of [0, 1]) {
    sink(
      y,
      Float32Array.from({ length: 16 }, (_, i) => 100 * y + i),
      4,
    );
  }
  expect([...tensor.data]).toEqual([0, 4, 8, 100, 104, 108, 1, 5, 9, 101, 105, 109]);
});
