import { expect, test } from 'vitest';
import { mapOf, type Planes } from '../../explorer/src/measure/convolution.ts';
import {
  covarianceOf,
  type FilterKind,
  kindOf,
  usualCovariance,
} from '../../explorer/src/measure/filter-kinds.ts';
import { filterText } from '../../explorer/src/text/measured.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Returns a filter from the nine weights of a window and a factor for each colour. */
function made(window: readonly number[], colours: readonly number[], bias = 0) {
  const weight = Float32Array.from(colours.flatMap((factor) => window.map((w) => factor * w)));
  return { weight, bias };
}

const kind = (window: readonly number[], colours: readonly number[], bias = 0): FilterKind =>
  kindOf(made(window, colours, bias)) as FilterKind;

const GREY = [1, 1, 1];
const BLUR = [1, 1, 1, 1, 1, 1, 1, 1, 1];
const RIGHT = [-1, 0, 1, -1, 0, 1, -1, 0, 1];
const UP = [1, 1, 1, 0, 0, 0, -1, -1, -1];
const CHECKS = [1, -1, 1, -1, 0, -1, 1, -1, 1];
const turned = (window: readonly number[]) => window.map((w) => -w);

const SENTENCES: readonly [name: string, kind: FilterKind, text: string][] = [
  ['a blur', kind(BLUR, GREY), 'Bright where the picture is bright.'],
  ['its negative', kind(turned(BLUR), GREY), 'Bright where the picture is dark.'],
  [
    'a slope to the right',
    kind(RIGHT, GREY),
    'Bright where the picture gets brighter to the right. It is 0 on flat areas.',
  ],
  [
    'a slope upwards with a bias',
    kind(UP, GREY, -0.2),
    'Bright where the picture gets brighter upwards. On flat areas it is its bias, −0.200.',
  ],
  [
    'a slope to the lower left',
    kind([0, -1, -1, 1, 0, -1, 1, 1, 0], GREY),
    'Bright where the picture gets brighter to the lower left. It is 0 on flat areas.',
  ],
  ['red against blue', kind(BLUR, [1, 0, -1]), 'Bright where there is more red than blue.'],
  [
    'yellow against blue',
    kind(BLUR, [1, 1, -2]),
    'Bright where there is more red and green than blue.',
  ],
  [
    'an edge of red and blue',
    kind(RIGHT, [1, 0, -1]),
    'Bright where red takes over from blue to the right. It is 0 on flat areas.',
  ],
  [
    'a strong edge of blue upwards',
    kind(UP, [-1, -1, 2]),
    'Bright where blue takes over from red and green upwards. It is 0 on flat areas.',
  ],
  [
    'checks',
    kind(CHECKS, GREY),
    'Bright at a fine pattern, which makes 100 % of its map. It is 0 on flat areas.',
  ],
  ['zeros', kind(BLUR, [0, 0, 0], 0.5), 'All weights are 0. The map is 0.500 everywhere.'],
];

for (const [name, found, text] of SENTENCES) {
  test(`filter: ${name} → “${text}”`, () => {
    expect(filterText(found)).toBe(text);
  });
}

test('edges: eight directions → their degrees', () => {
  for (let degrees = 0; degrees < 360; degrees += 45) {
    const [x, y] = [Math.cos((degrees * Math.PI) / 180), -Math.sin((degrees * Math.PI) / 180)];
    const window = BLUR.map((_, i) => x * ((i % 3) - 1) + y * (Math.floor(i / 3) - 1));
    for (const colours of [GREY, [1, 0, -0.9]]) {
      const found = kind(window, colours);
      expect(found.kind).toBe('edge');
      const off = Math.abs((found.degrees as number) - degrees) % 360;
      expect(Math.min(off, 360 - off)).toBeLessThan(1e-3);
    }
  }
});

test('kinds: sums and strength → of each colour; the root of the squared slopes', () => {
  const found = kind(BLUR, [0.5, 0, -1]);
  expect(found.flatness).toEqual([4.5, 0, -9]);
  expect(found.isFlat).toBe(false);
  expect(kind(RIGHT, [1, 0, 0]).strength).toBeCloseTo(1, 6);
});

test('kinds: a slope with a small mean → brightness, as its map is', () => {
  const leaning = RIGHT.map((w) => w + 0.4);
  expect(kind(leaning, GREY).kind).toBe('brightness');
});

test('kinds: of other than three channels → undefined', () => {
  expect(kindOf({ weight: new Float32Array(9), bias: 0 })).toBeUndefined();
});

test('kinds: shares of random filters → finite, from 1/4 to 1', () => {
  const random = seededRandom(7);
  for (let n = 0; n < 50; n++) {
    const found = kindOf({ weight: randomTensor(random, [27]).data, bias: 0 }) as FilterKind;
    expect(found.share).toBeGreaterThanOrEqual(0.25);
    expect(found.share).toBeLessThanOrEqual(1);
    expect(Number.isFinite(found.order)).toBe(true);
  }
});

test('order: kinds lie together, edges by direction, bright before dark', () => {
  const sorted = [kind(CHECKS, GREY), kind(UP, GREY), kind(BLUR, [1, 0, -1]), kind(RIGHT, GREY)]
    .concat(kind(turned(BLUR), GREY), kind(BLUR, GREY), kind(RIGHT, [1, 0, -1]))
    .sort((a, b) => a.order - b.order)
    .map((found) => filterText(found).split('.')[0]);
  expect(sorted).toEqual([
    'Bright where the picture is bright',
    'Bright where the picture is dark',
    'Bright where the picture gets brighter to the right',
    'Bright where the picture gets brighter upwards',
    'Bright where red takes over from blue to the right',
    'Bright where there is more red than blue',
    'Bright at a fine pattern, which makes 100 % of its map',
  ]);
});

/** Returns a picture of noise, whose maps' variances can be computed in two ways. */
function noise(width: number, height: number): Planes {
  const { data } = randomTensor(seededRandom(9), [3, height, width]);
  return { channels: 3, height, width, data };
}

test('covariance of a picture → the variance of a filter’s map at every second place', () => {
  const planes = noise(41, 33);
  const covariance = covarianceOf(planes);
  const filter = { weight: randomTensor(seededRandom(10), [27]).data, bias: 0.3 };
  const map = mapOf(planes, filter);
  const numbers: number[] = [];
  for (let y = 1; y < 32; y += 2) {
    for (let x = 1; x < 40; x += 2) numbers.push(map.data[y * 41 + x]);
  }
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const wanted = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  let got = 0;
  for (let i = 0; i < 27; i++) {
    for (let j = 0; j < 27; j++) {
      got += filter.weight[i] * covariance[27 * i + j] * filter.weight[j];
    }
  }
  expect(got).toBeCloseTo(wanted, 4);
});

test('covariance: a picture too small for a window → that of usual pictures', () => {
  expect(covarianceOf(noise(2, 2))).toEqual(usualCovariance());
});
