import { expect, test } from 'vitest';
import { isModelName, modelNames } from '../../src/model/variants.ts';

test('isModelName: each model → true; what objects inherit, capitals, no text → false', () => {
  expect(modelNames().filter(isModelName)).toEqual(['taesd', 'taesdxl', 'taesd3', 'taef1']);
  const others = ['TAESD', '', 'toString', '__proto__', 'constructor', undefined, null, ['taesd']];
  expect(others.filter(isModelName)).toEqual([]);
});
