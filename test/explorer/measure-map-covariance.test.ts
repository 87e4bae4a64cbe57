import { expect, test } from 'vitest';
import { mapOf, type Planes } from '../../explorer/src/measure/convolution.ts';
import { mapCovariance } from '../../explorer/src/measure/map-covariance.ts';
import { answerTo, brightestSpot, contrastOf } from '../../explorer/src/measure/spot.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * How far a map is higher in the brightest spot, in its standard deviations, against the map
 * itself.
 */

const deviationOf = (numbers: readonly number[]): number => {
  const middle = meanOf(numbers);
  return Math.sqrt(meanOf(numbers.map((value) => (value - middle) ** 2)));
};
const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

function planes(width: number, height: number): Planes {
  const { data } = randomTensor(seededRandom(7), [3, height, width]);
  return { channels: 3, height, width, data: data.map(Math.abs) };
}

test.each([
  [24, 17],
  [5, 8],
  [2, 3],
  [1, 4],
])(
  'answer on %i×%i → mean in the spot less mean elsewhere, in the map’s deviations',
  (width, height) => {
    const picture = planes(width, height);
    const spot = brightestSpot(picture);
    const inside = new Set(spot.places);
    const covariance = mapCovariance(picture);
    for (let seed = 1; seed < 5; seed++) {
      const filter = { weight: randomTensor(seededRandom(seed), [27]).data, bias: 0.3 };
      const numbers = [...mapOf(picture, filter).data];
      const within = numbers.filter((_, at) => inside.has(at));
      const elsewhere = numbers.filter((_, at) => !inside.has(at));
      const higher = (meanOf(within) - meanOf(elsewhere)) / deviationOf(numbers);
      expect(answerTo(filter, contrastOf(picture, spot), covariance)).toBeCloseTo(higher, 4);
    }
  },
);

test('answer on one colour → the map differs at its edge alone, so it is not the same everywhere', () => {
  const data = new Float32Array(3 * 9 * 9).fill(0.5);
  const picture = { channels: 3, height: 9, width: 9, data };
  const weight = new Float32Array(27).fill(1 / 27);
  const numbers = [...mapOf(picture, { weight, bias: 0 }).data];
  const covariance = mapCovariance(picture);
  let variance = 0;
  for (const value of covariance) variance += value / 27 ** 2;
  expect(Math.sqrt(variance)).toBeCloseTo(deviationOf(numbers), 6);
});
