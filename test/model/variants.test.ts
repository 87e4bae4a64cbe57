import { expect, test } from 'vitest';
import { isModelName, latentSpaces, modelNames, VARIANTS } from '../../src/model/variants.ts';

test('isModelName: each model → true; what objects inherit, capitals, no text → false', () => {
  const names = [
    'taesd',
    'taesdxl',
    'taesd3',
    'taef1',
    'taef1-1.1',
    'taef2',
    'taesana',
    'taeqi2_1',
    'taew2_1',
    'nano',
  ];
  expect(modelNames().filter(isModelName)).toEqual(names);
  const others = ['TAESD', '', 'toString', '__proto__', 'constructor', undefined, null, ['taesd']];
  expect(others.filter(isModelName)).toEqual([]);
});

test('latentSpaces: all, of 4, 16 and 5 channels → each once, nano with taesd', () => {
  expect(latentSpaces()).toEqual([
    'taesd',
    'taesdxl',
    'taesd3',
    'taef1',
    'taef2',
    'taesana',
    'taeqi2_1',
    'taew2_1',
  ]);
  expect(latentSpaces(4)).toEqual(['taesd', 'taesdxl']);
  expect(latentSpaces(16)).toEqual(['taesd3', 'taef1', 'taew2_1']);
  expect(latentSpaces(32)).toEqual(['taef2', 'taesana']);
  expect(latentSpaces(64)).toEqual(['taeqi2_1']);
  expect(latentSpaces(5)).toEqual([]);
  expect(VARIANTS.nano.space).toBe('taesd');
  expect(VARIANTS['taef1-1.1'].space).toBe('taef1');
});
