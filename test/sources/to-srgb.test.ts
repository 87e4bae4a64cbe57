import { expect, test } from 'vitest';
import { COLOUR_SPACES, converterToSrgb, type ImageDataSpace } from '../../src/sources/to-srgb.ts';
import { seededRandom } from '../random.ts';
import { displayP3ToSrgb, encodedOf, lightOf } from './display-p3.ts';

/** Converts one pixel after the other. */
function converted(data: ArrayLike<number>, space: string, full: 1 | 255, channels: 3 | 4 = 3) {
  const count = data.length / channels;
  const bytes = new Uint8ClampedArray(4 * count);
  const convert = converterToSrgb(
    { data, channels, full, space: COLOUR_SPACES.get(space) as ImageDataSpace },
    bytes,
  );
  convert(0, count >> 1);
  convert(count >> 1, count);
  return bytes;
}

/** The largest distance of red, green and blue from values that are not rounded. */
function worst(bytes: ArrayLike<number>, exact: (pixel: number) => readonly number[]): number {
  let most = 0;
  for (let i = 0; i < bytes.length / 4; i++) {
    exact(i).forEach((value, c) => {
      most = Math.max(most, Math.abs(bytes[4 * i + c] - value));
    });
  }
  return most;
}

/** Rounding to the nearest, and what float64 is uncertain of. */
const NEAREST = 0.5 + 1e-6;
const random = seededRandom(5);
const colours = Float64Array.from({ length: 3 * 20_000 }, () => random());

test('Display P3 in bytes → the nearest bytes in sRGB', () => {
  const corners = Array.from({ length: 8 }, (_, i) =>
    [i & 1, i & 2, i & 4].map((one) => (one ? 255 : 0)),
  );
  const greys = Array.from({ length: 256 }, (_, i) => [i, i, i]);
  const some = Array.from(colours, (value) => Math.floor(256 * value));
  const data = Uint8Array.from([...corners.flat(), ...greys.flat(), ...some]);
  const bytes = converted(data, 'display-p3', 255);
  const exact = (i: number) => displayP3ToSrgb([0, 1, 2].map((c) => data[3 * i + c] / 255));
  expect(worst(bytes, exact)).toBeLessThanOrEqual(NEAREST);
  // Full red lies outside of sRGB: each channel is clamped.
  expect([...bytes.subarray(4, 8)]).toEqual([255, 0, 0, 255]);
  const grey = bytes.subarray(4 * 8, 4 * 264);
  expect(grey).toEqual(
    Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2)),
  );
});

test('Display P3, linear P3 and linear sRGB in floats → the nearest bytes in sRGB', () => {
  const exact = {
    'display-p3': (values: number[]) => displayP3ToSrgb(values),
    'display-p3-linear': (values: number[]) => displayP3ToSrgb(values.map(encodedOf)),
    'srgb-linear': (values: number[]) => values.map((value) => 255 * encodedOf(value)),
    srgb: (values: number[]) => values.map((value) => 255 * value),
  };
  for (const [space, wanted] of Object.entries(exact)) {
    const bytes = converted(colours, space, 1);
    const apart = worst(bytes, (i) => wanted([...colours.subarray(3 * i, 3 * i + 3)]));
    expect(apart, space).toBeLessThanOrEqual(NEAREST);
  }
});

test('linear light around each byte’s half → the byte below, the byte above', () => {
  for (let byte = 0; byte < 255; byte++) {
    const light = lightOf((byte + 0.5) / 255);
    const data = [light * (1 - 1e-12), light * (1 + 1e-12), 0];
    expect([...converted(data, 'srgb-linear', 1)].slice(0, 2)).toEqual([byte, byte + 1]);
  }
});

test('floats outside [0,1], NaN → clamped, 0; alpha is not converted', () => {
  const data = [-1, 2, NaN, 0.5, Infinity, -Infinity, 1, 2];
  for (const space of ['srgb', 'srgb-linear']) {
    expect([...converted(data, space, 1, 4)], space).toEqual([0, 255, 0, 128, 255, 0, 255, 255]);
  }
  const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i >> 2);
  for (const space of COLOUR_SPACES.keys()) {
    const alpha = converted(bytes, String(space), 255, 4).filter((_, i) => i % 4 === 3);
    expect(alpha, String(space)).toEqual(Uint8ClampedArray.from({ length: 256 }, (_, i) => i));
  }
  expect(converted(bytes, 'srgb', 255, 4)).toEqual(Uint8ClampedArray.from(bytes));
});
