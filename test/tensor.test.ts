import { expect, test } from 'vitest';
import {
  checkTensor4d,
  elementCount,
  firstNonFinite,
  picturesOf,
  shapeText,
  zeros,
} from '../src/tensor.ts';
import { stack } from './stack.ts';

test('elementCount: past 2⁵³ → Infinity, not a rounded number', () => {
  expect(elementCount([2, 3, 4])).toBe(24);
  expect(elementCount([])).toBe(1);
  expect(elementCount([2 ** 27, 2 ** 27])).toBe(Infinity);
});

test('zeros: more than an array holds → OOM', () => {
  for (const shape of [[2 ** 40], [2 ** 40, 2 ** 40]]) {
    const count = shape.length === 1 ? '1099511627776' : 'Infinity';
    const message = `out of memory for "[${shape}]": ${count} numbers`;
    const cause = expect.objectContaining({ message: `Invalid typed array length: ${count}` });
    expect(() => zeros(shape)).toThrow(expect.objectContaining({ code: 'OOM', message, cause }));
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

test('shapeText: sizes → as PyTorch writes them; anything else described; at most 64', () => {
  expect(shapeText([64, 4, 3, 3])).toBe('[64,4,3,3]');
  expect(shapeText([])).toBe('[]');
  expect(shapeText([1.5, -1, NaN, Symbol('s'), null, undefined, 'a', Object.create(null)])).toBe(
    '[1.5,-1,NaN,Symbol(s),null,undefined,"a",an object]',
  );
  expect(shapeText(Array(65).fill(1))).toBe(`[${'1,'.repeat(64)}…]`);
});

test('checkTensor4d: a tensor → its data and a copy of its shape', () => {
  const value = { shape: [1, 4, 1, 1], data: new Float32Array(4), more: 1 };
  const tensor = checkTensor4d('latents', value);
  value.shape[0] = 2;
  expect(tensor).toEqual({ shape: [1, 4, 1, 1], data: value.data });
  expect(tensor.data).toBe(value.data);
});

const NOT_A_TENSOR = 'a tensor { shape, data: Float32Array }';
const WRONG_SHAPE = 'shape [N,C,H,W], each at least 1';
const data = new Float32Array(4);
const shape = [1, 4, 1, 1];

test.each<[string, unknown, string, string]>([
  ['nothing', undefined, 'ARG', `${NOT_A_TENSOR}, got undefined`],
  ['an object without prototype', Object.create(null), 'ARG', `${NOT_A_TENSOR}, got an object`],
  [
    'float64',
    { shape, data: new Float64Array(4) },
    'ARG',
    `${NOT_A_TENSOR}, got { shape, data: Float64Array }`,
  ],
  ['an array', { shape, data: [1, 2] }, 'ARG', `${NOT_A_TENSOR}, got { shape, data: Array }`],
  ['no data', { shape, data: null }, 'ARG', `${NOT_A_TENSOR}, got { shape, data: null }`],
  [
    'a typed shape',
    { shape: Int32Array.from(shape), data },
    'ARG',
    `${NOT_A_TENSOR}, got { shape: Int32Array, data }`,
  ],
  [
    'what decodeLatentPng gives',
    { latents: { shape, data }, model: 'taesd' },
    'ARG',
    `${NOT_A_TENSOR}, got { latents, model } (pass its .latents)`,
  ],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
  ['a hole', { shape: [, 4, 1, 1], data }, 'SHAPE', `${WRONG_SHAPE}, got [undefined,4,1,1]`],
  [
    'a symbol',
    { shape: [Symbol('N'), 4, 1, 1], data },
    'SHAPE',
    `${WRONG_SHAPE}, got [Symbol(N),4,1,1]`,
  ],
  ['numbers as text', { shape: ['1', 4, 1, 1], data }, 'SHAPE', `${WRONG_SHAPE}, got ["1",4,1,1]`],
  [
    'three dimensions',
    { shape: [4, 1, 1], data },
    'SHAPE',
    `${WRONG_SHAPE}, got [4,1,1] (add the batch dimension: [1,C,H,W])`,
  ],
  [
    'too much data',
    { shape: [1, 3, 1, 1], data },
    'SHAPE',
    '3 elements for shape [1,3,1,1], got 4',
  ],
])('checkTensor4d: %s → error', (_, value, code, rest) => {
  const message = `"latents" expected ${rest}`;
  expect(() => checkTensor4d('latents', value)).toThrow(expect.objectContaining({ code, message }));
});

test('checkTensor4d: 2³² − 1 dimensions → SHAPE at once, in a short message', () => {
  const value = { shape: Array(2 ** 32 - 1), data };
  expect(() => checkTensor4d('latents', value)).toThrow(
    expect.objectContaining({
      code: 'SHAPE',
      message: expect.stringMatching(
        /^"latents" expected shape \[N,C,H,W\], each at least 1, got \[undefined,[^ ]{0,200}…\]$/,
      ),
    }),
  );
});
