import { expect, test } from 'vitest';
import {
  type Filters,
  filterOf,
  mapOf,
  type Planes,
  planesOf,
  sumAt,
} from '../../explorer/src/measure/convolution.ts';
import { operators } from '../../src/backend/reference.ts';
import { imageRows } from '../../src/image.ts';
import { conv3x3 } from '../../src/model/layers.ts';
import { expectClose, largestDifference } from '../compare.ts';
import { randomTensor, seededRandom } from '../random.ts';

const SIZES = [
  [1, 1],
  [1, 2],
  [2, 1],
  [3, 3],
  [4, 5],
  [8, 7],
];

function madeUp(cin: number, cout: number, [height, width]: readonly number[]) {
  const random = seededRandom(31 * height + width);
  const input = randomTensor(random, [1, cin, height, width]);
  const weight = randomTensor(random, [cout, cin, 3, 3]);
  const bias = randomTensor(random, [cout]);
  const planes: Planes = { channels: cin, height, width, data: input.data };
  const filters: Filters = { cin, cout, weight: weight.data, bias: bias.data };
  return { input, weight, bias, planes, filters };
}

for (const stride of [1, 2] as const) {
  test(`convolution: sizes 1 … 8, stride ${stride} → the reference's maps within 1e-6`, () => {
    for (const size of SIZES) {
      const { input, weight, bias, planes, filters } = madeUp(3, 4, size);
      const weights = new Map([
        ['weight', weight],
        ['bias', bias],
      ]);
      const wanted = operators.layer({ layer: conv3x3(3, 4, { stride }), weights }, input);
      const [, , height, width] = wanted.shape;
      const maps = [0, 1, 2, 3].map((channel) =>
        mapOf(planes, filterOf(filters, channel), { stride }),
      );
      for (const [channel, map] of maps.entries()) {
        const own = wanted.data.subarray(channel * height * width, (channel + 1) * height * width);
        const shape = [1, 1, map.height, map.width];
        expectClose({ shape, data: map.data }, { shape: [1, 1, height, width], data: own }, 1e-6);
      }
    }
  });
}

test('sum of one number: every place of a map → the map within 1e-6, 27 products', () => {
  const { planes, filters } = madeUp(3, 4, [4, 5]);
  for (const stride of [1, 2]) {
    const map = mapOf(planes, filterOf(filters, 2), { stride });
    const sums = Float32Array.from(map.data, (_, at) => {
      const position = { channel: 2, y: Math.floor(at / map.width), x: at % map.width };
      const { windows, sum, bias, value } = sumAt(planes, filters, position, { stride });
      expect(windows.map(({ products }) => products.length)).toEqual([9, 9, 9]);
      expect(sum + bias).toBe(value);
      return value;
    });
    expect(largestDifference(sums, map.data)).toBeLessThan(1e-6);
  }
});

test('sum of one number: a corner → zeros in the padding, a window cut at the edge', () => {
  const { planes, filters } = madeUp(3, 4, [4, 5]);
  const { windows, onInput, skip } = sumAt(planes, filters, { channel: 0, y: 0, x: 4 });
  const padded = windows[0].products.filter(({ value }) => value === 0);
  expect(padded.map(({ y, x }) => [y, x])).toEqual([
    [-1, 3],
    [-1, 4],
    [-1, 5],
    [0, 5],
    [1, 5],
  ]);
  expect(onInput).toEqual({ x: 3, y: 0, width: 2, height: 2 });
  expect(skip).toBeUndefined();
});

test('filters without a bias → bias 0', () => {
  const { planes, filters } = madeUp(1, 1, [3, 3]);
  const bare = { ...filters, bias: undefined };
  expect(filterOf(bare, 0).bias).toBe(0);
  expect(sumAt(planes, bare, { channel: 0, y: 1, x: 1 }).bias).toBe(0);
});

test('planes of a picture with every opacity → as the encoder reads it', () => {
  const data = Uint8ClampedArray.from([255, 0, 51, 255, 255, 0, 51, 0, 255, 0, 51, 102]);
  const picture = { width: 3, height: 1, data };
  const rows = imageRows(picture);
  const row = new Float32Array(9);
  rows.read(0, row, 3);
  const planes = planesOf(picture);
  const pixels = Float32Array.from(row, (_, at) => planes.data[(at % 3) * 3 + Math.floor(at / 3)]);
  expect(pixels).toEqual(row);
  expect(planes.data[1]).toBe(1);
});

test('map of a picture → the map of its planes', () => {
  const data = Uint8ClampedArray.from({ length: 4 * 20 }, (_, i) => (i % 4 === 3 ? 255 : 11 * i));
  const picture = { width: 5, height: 4, data };
  const filter = filterOf(madeUp(3, 1, [1, 1]).filters, 0);
  expect(mapOf(picture, filter)).toEqual(mapOf(planesOf(picture), filter));
});

test('a filter for other channels → RangeError', () => {
  const { planes } = madeUp(3, 1, [3, 3]);
  const filter = { weight: new Float32Array(9), bias: 0 };
  expect(() => mapOf(planes, filter)).toThrow(
    new RangeError('"filter" expected 27 weights for 3 channels, got 9'),
  );
});
