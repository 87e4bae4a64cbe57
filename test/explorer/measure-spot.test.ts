import { expect, test } from 'vitest';
import { mapOf, type Planes } from '../../explorer/src/measure/convolution.ts';
import { covarianceOf } from '../../explorer/src/measure/filter-kinds.ts';
import { answerTo, brightestSpot, contrastOf } from '../../explorer/src/measure/spot.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Returns a dark picture with a bright disc and one brighter pixel elsewhere. */
function night(width: number, height: number, disc: { y: number; x: number; radius: number }) {
  const { data } = randomTensor(seededRandom(3), [3, height, width]);
  for (let at = 0; at < data.length; at++) data[at] = 0.2 + 0.05 * Math.abs(data[at]);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (Math.hypot(y - disc.y, x - disc.x) > disc.radius) continue;
        data[(channel * height + y) * width + x] = 0.9;
      }
    }
    data[channel * height * width + 2 * width + 2] = 1;
  }
  return { channels: 3, height, width, data } satisfies Planes;
}

test('brightest spot: a disc and a brighter single pixel → the disc', () => {
  const { box, places } = brightestSpot(night(96, 80, { y: 30, x: 60, radius: 5 }));
  expect(box.x).toBeGreaterThanOrEqual(55);
  expect(box.y).toBeGreaterThanOrEqual(25);
  expect(box.x + box.width).toBeLessThanOrEqual(66);
  expect(box.y + box.height).toBeLessThanOrEqual(36);
  expect(places.length).toBeGreaterThan(40);
});

test('brightest spot: a picture of one colour → at most 2 % of it', () => {
  const data = new Float32Array(3 * 50 * 40).fill(0.5);
  const { places } = brightestSpot({ channels: 3, height: 40, width: 50, data });
  expect(places.length).toBeGreaterThan(0);
  expect(places.length).toBeLessThanOrEqual(40);
});

test('contrast → a filter times it is the map’s mean inside less its mean outside', () => {
  const planes = night(48, 40, { y: 0, x: 20, radius: 4 });
  const spot = brightestSpot(planes);
  const weight = randomTensor(seededRandom(4), [27]).data;
  const { data } = mapOf(planes, { weight, bias: 0.7 });
  const inside = new Set(spot.places);
  const mean = (isInside: boolean) => {
    const numbers = [...data].filter((_, at) => inside.has(at) === isInside);
    return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  };
  const contrast = contrastOf(planes, spot);
  const got = weight.reduce((sum, value, tap) => sum + value * contrast[tap], 0);
  expect(got).toBeCloseTo(mean(true) - mean(false), 5);
});

test('answer: brightness, its negative, zeros → positive, as much below, none', () => {
  const planes = night(64, 64, { y: 30, x: 30, radius: 5 });
  const contrast = contrastOf(planes, brightestSpot(planes));
  const covariance = covarianceOf(planes);
  const answer = (value: number) =>
    answerTo({ weight: new Float32Array(27).fill(value), bias: 0 }, contrast, covariance);
  expect(answer(0.1)).toBeGreaterThan(2);
  expect(answer(-0.1)).toBeCloseTo(-(answer(0.1) as number), 6);
  expect(answer(0)).toBeUndefined();
});
