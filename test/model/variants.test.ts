import { expect, test } from 'vitest';
import type { ModelName } from '../../src/index.ts';
import {
  checkLatentChannels,
  isModelName,
  latentSpaces,
  modelNames,
  VARIANTS,
} from '../../src/model/variants.ts';
import { expectError } from '../thrown-by.ts';

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

const WHICH_OF_16 =
  'taesd3 for Stable Diffusion 3; taef1 for FLUX.1, Z-Image, HiDream; ' +
  'taew2_1 for Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B';

test.each<[ModelName, readonly number[], string]>([
  ['taesd', [1, 48, 5, 6], 'latents of taew2_2? not supported yet'],
  ['taesd', [1, 24, 5, 6], 'latents of taeh3? not supported yet'],
  ['taesd', [1, 12, 5, 6], 'latents of taem1? not supported yet'],
  ['taesd', [1, 64, 5, 6], "latents of taeqi2_1? load({ model: 'taeqi2_1' })"],
  [
    'taeqi2_1',
    [1, 1, 30, 64],
    `packed latents of taesd3, taef1 or taew2_1? load({ model }) takes one: ${WHICH_OF_16}`,
  ],
  ['taef1', [1, 1, 30, 128], "packed latents of taef2? load({ model: 'taef2' })"],
  ['taeqi2_1', [1, 5, 30, 64], "layout: 'NHWC' declares channels last"],
  ['taesd', [1, 5, 6, 7], 'not latents of TAESD?'],
])('checkLatentChannels: %s, %j → %s', (model, shape, hint) => {
  const variant = VARIANTS[model];
  const rule = `shape [N,${variant.latentChannels},h,w] for model ${model}`;
  const message = `"latents" expected ${rule}, got [${shape}] (${hint})`;
  expectError(() => checkLatentChannels({ shape }, variant, true), 'SHAPE', message);
});
