import { expect, test } from 'vitest';
import { elementCount, firstNonFinite, picturesOf, stack, zeros } from '../src/tensor.ts';

test('elementCount: past 2⁵³ → Infinity, not a rounded number', () => {
  expect(elementCount([2, 3, 4])).toBe(24);
  expect(elementCount([])).toBe(1);
  expect(elementCount([2 ** 27, 2 ** 27])).toBe(Infinity);
});

test('zeros: more than an array holds → OOM', () => {
  for (const shape of [[2 ** 40], [2 ** 40, 2 ** 40]]) {
    expect(() => zeros(shape)).toThrow(expect.objectContaining({ code: 'OOM' }));
  }
  expect([...zeros([1, 2]).data]).toEqual([0, 0]);
});

test('firstNonFinite: → the first index, or −1; the largest finite numbers are fine', () => {
  expect(firstNonFinite(Float32Array.of(3.4e38, -3.4e38, 1e-45, 0))).toBe(-1);
  expect(firstNonFinite(Float32Array.of(0, Infinity, NaN))).toBe(1);
  expect(firstNonFinite(Float32Array.of(Infinity, -Infinity))).toBe(0);
  expect(firstNonFinite(new Float32Array(0))).toBe(-1);
});

test('picturesOf, stack: a batch → its pictures → the batch', () => {
  const batch = { shape: [3, 1, 2, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const pictures = picturesOf(batch);
  expect(pictures.map(({ data }) => [...data])).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  expect(stack(pictures)).toEqual(batch);
});
