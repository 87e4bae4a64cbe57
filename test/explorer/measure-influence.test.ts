import type { Area } from 'taesd-wasm';
import { beforeAll, expect, test } from 'vitest';
import { influenceOf, looksAtAll } from '../../explorer/src/measure/influence.ts';
import { VARIANTS } from '../../src/index.ts';
import { nanoTrip, type Trip } from './nano-trip.ts';

let trip: Trip;
beforeAll(async () => {
  trip = await nanoTrip();
});

const decoder = () => [...trip.steps.values()].filter(({ part }) => part === 'decoder');

/** Whether a place of the latent is in the receptive field of a pixel, by the steps' own areas. */
function sees(pixel: { y: number; x: number }, place: { y: number; x: number }): boolean {
  const field = decoder().reduceRight((area: Area, step) => step.inputArea(area), {
    ...pixel,
    ...{ width: 1, height: 1 },
  });
  const { x, y, width, height } = field;
  return place.x >= x && place.x < x + width && place.y >= y && place.y < y + height;
}

test.each([
  { y: 0, x: 0 },
  { y: 5, x: 6 },
  { y: 11, x: 2 },
])(
  'influence of a place of nano’s latent, $y $x → the pixels whose receptive field has it',
  (place) => {
    const { area, wholeMap } = influenceOf({ ...place, width: 1, height: 1 }, decoder());
    expect(wholeMap).toEqual([]);
    const { width, height } = trip.decoded;
    const { x, y } = area;
    const [right, bottom] = [x + area.width, y + area.height];
    const wanted: [number, number, boolean][] = [
      [x, y, true],
      [right - 1, bottom - 1, true],
      [x - 1, y, false],
      [x, y - 1, false],
      [right, y, false],
      [x, bottom, false],
    ];
    for (const [column, row, isSeen] of wanted) {
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      expect(sees({ y: row, x: column }, place)).toBe(isSeen);
    }
  },
);

test('a layer with a pool → every pixel, and its name', () => {
  const { decoder: layers } = VARIANTS.taef2.networks;
  const made = layers.map((layer, n) => ({
    ...{ name: `decoder.${n}`, layer },
    shape: [1, 1, 16, 16],
  }));
  const pools = made.filter(({ layer }) => looksAtAll(layer)).map(({ name }) => name);
  expect(pools.length).toBeGreaterThan(0);
  const found = influenceOf({ x: 3, y: 3, width: 1, height: 1 }, made);
  expect(found.wholeMap).toEqual(pools);
  expect(found.area).toEqual({ x: 0, y: 0, width: 16, height: 16 });
});

test('a convolution of stride 2 → the places whose windows have the number', () => {
  const conv = { kind: 'conv', cin: 1, cout: 1, kernel: 3, stride: 2, bias: true } as const;
  const layers = [{ name: 'encoder.0', layer: conv, shape: [1, 1, 8, 8] }];
  const at = (x: number) => influenceOf({ x, y: 4, width: 1, height: 1 }, layers).area;
  expect(at(4)).toEqual({ x: 2, y: 2, width: 1, height: 1 });
  expect(at(5)).toEqual({ x: 2, y: 2, width: 2, height: 1 });
});
