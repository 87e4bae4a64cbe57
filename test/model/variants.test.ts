import { expect, test } from 'vitest';
import type { ModelName } from '../../src/index.ts';
import { nanoDecoder } from '../../src/model/nano.ts';
import {
  checkLatentChannels,
  encoderOf,
  isModelName,
  isNano,
  type LatentSpace,
  latentSpaces,
  modelNames,
  NANOS,
  type NanoName,
  nanoFor,
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
    'nano-sdxl',
    'nano-sd3',
    'nano-flux1',
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

test('nanoFor: each model → the small model of its space, or undefined; another name → ARG', () => {
  const found = Object.fromEntries(modelNames().map((name) => [name, nanoFor(name)]));
  expect(found).toEqual({
    taesd: 'nano',
    taesdxl: 'nano-sdxl',
    taesd3: 'nano-sd3',
    taef1: 'nano-flux1',
    'taef1-1.1': 'nano-flux1',
    taef2: undefined,
    taesana: undefined,
    taeqi2_1: undefined,
    taew2_1: undefined,
    nano: 'nano',
    'nano-sdxl': 'nano-sdxl',
    'nano-sd3': 'nano-sd3',
    'nano-flux1': 'nano-flux1',
  });
  expect(() => nanoFor('sdxl' as ModelName)).toThrow('nanoFor: "model" expected one of taesd, ');
});

test('VARIANTS: small decoders → the rows of their spaces, but the name and the decoder', () => {
  expect(modelNames().filter(isNano)).toEqual(Object.values(NANOS));
  for (const [space, small] of Object.entries(NANOS) as [LatentSpace, NanoName][]) {
    if (small === 'nano') continue;
    const { name, networks, ...row } = VARIANTS[small];
    const { name: other, networks: whole, ...rowOfSpace } = VARIANTS[space];
    expect([name, other, row]).toEqual([small, space, rowOfSpace]);
    expect(networks.encoder).toEqual(whole.encoder);
    expect(networks.decoder).toEqual(nanoDecoder(row.latentChannels));
    expect([encoderOf(VARIANTS[small]), encoderOf(VARIANTS[space])]).toEqual([space, space]);
  }
  expect(encoderOf(VARIANTS.nano)).toBe('nano');
  expect(encoderOf(VARIANTS['taef1-1.1'])).toBe('taef1-1.1');
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
