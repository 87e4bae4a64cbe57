import { expect, test } from 'vitest';
import { operators } from '../../src/backend/reference.ts';
import { type Layer, pixelShuffle, pixelUnshuffle } from '../../src/model/layers.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The two pixel shuffles of the reference, by hand; the WASM backend is compared with it in
 * agreement.test.ts.
 */

const run = (layer: Layer, input: Tensor) => operators.layer({ layer, weights: new Map() }, input);

const tensor = (shape: number[], values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});

test('pixelShuffle [reference]: [1,4,1,2] by 2 → channel 2·i + j is pixel (i, j) of its cell', () => {
  const input = tensor([1, 4, 1, 2], [0, 10, 1, 11, 2, 12, 3, 13]);
  const output = run(pixelShuffle(2), input);
  expect(output.shape).toEqual([1, 1, 2, 4]);
  expect([...output.data]).toEqual([0, 1, 10, 11, 2, 3, 12, 13]);
});

test('pixelUnshuffle [reference]: [1,1,3,3] by 2 → cells as channels, 0 past the edge', () => {
  const input = tensor([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const output = run(pixelUnshuffle(2), input);
  expect(output.shape).toEqual([1, 4, 2, 2]);
  expect([...output.data]).toEqual([1, 3, 7, 9, 2, 0, 8, 0, 4, 6, 0, 0, 5, 0, 0, 0]);
});

test('pixelShuffle [reference]: of pixelUnshuffle, sizes that the factor divides → the input', () => {
  for (const factor of [1, 2, 3, 4]) {
    const input = randomTensor(seededRandom(factor), [2, 3, 2 * factor, 5 * factor]);
    const back = run(pixelShuffle(factor), run(pixelUnshuffle(factor), input));
    expect(back).toEqual(input);
  }
});
