import { expect, test } from 'vitest';
import {
  figureIn,
  formatAddress,
  parseAddress,
  parseExtent,
} from '../../explorer/src/address/address.ts';
import { scaleIn } from '../../explorer/src/stage/fitted.ts';

const MODELS = ['taesd', 'nano'] as const;
const NOWHERE = { model: undefined, layer: undefined, channel: undefined, at: undefined };

test.each([
  ['#3/taesd/decoder.8/12/13,7', ['3', 'taesd', 'decoder.8', 12], { x: 13, y: 7 }],
  ['#1/nano/encoder.0/0/0,0', ['1', 'nano', 'encoder.0', 0], { x: 0, y: 0 }],
  ['#3/nano/decoder.3.conv.0/1/2,3', ['3', 'nano', 'decoder.3.conv.0', 1], { x: 2, y: 3 }],
  [
    '#free/taesd/encoder.4.x+pool/63/31,0',
    ['free', 'taesd', 'encoder.4.x+pool', 63],
    { x: 31, y: 0 },
  ],
] as const)('%s → its parts, and back', (hash, [scene, model, layer, channel], at) => {
  const address = parseAddress(hash, MODELS);
  expect(address).toEqual({ scene, model, layer, channel, at });
  expect(formatAddress(address)).toBe(hash);
});

test.each([
  ['', '0'],
  ['#', '0'],
  ['#nothing', '0'],
  ['#7', '0'],
  ['#6', '6'],
  ['#free', 'free'],
] as const)('%s → scene %s, nothing else', (hash, scene) => {
  expect(parseAddress(hash, MODELS)).toEqual({ ...NOWHERE, scene });
});

test('parts that are not understood → count as left out', () => {
  const address = parseAddress('#3/taef1/encoder/-1/4;5', MODELS);
  expect(address).toEqual({ ...NOWHERE, scene: '3' });
  expect(parseAddress('#3/taesd/decoder.8/1e3/1,2,3', MODELS)).toEqual({
    ...{ scene: '3', model: 'taesd', layer: 'decoder.8', channel: undefined, at: { x: 1, y: 2 } },
  });
  expect(parseAddress('#3/taesd/decoder.8<script>/12/13', MODELS)).toEqual({
    ...{ ...NOWHERE, scene: '3', model: 'taesd', channel: 12 },
  });
});

test('percent signs → decoded; broken ones → that part is left out', () => {
  expect(parseAddress('#3/taesd/encoder.4.x%2Bpool', MODELS).layer).toBe('encoder.4.x+pool');
  expect(parseAddress('#3/%E0%A4%A/decoder.8', MODELS)).toEqual({
    ...{ ...NOWHERE, scene: '3', layer: 'decoder.8' },
  });
});

test('a part is missing → the address ends before it', () => {
  const address = {
    scene: '4',
    model: 'taesd',
    layer: undefined,
    channel: 3,
    at: undefined,
  } as const;
  expect(formatAddress(address)).toBe('#4/taesd');
  expect(formatAddress({ ...NOWHERE, scene: '2' })).toBe('#2');
});

test('embed and hide → what is known of them', () => {
  expect(parseExtent('')).toEqual({ embed: undefined, hidden: new Set() });
  expect(parseExtent('?embed=sum').embed).toBe('sum');
  expect(parseExtent('?embed=everything').embed).toBeUndefined();
  expect(parseExtent('?hide=ribbon,text,nothing').hidden).toEqual(new Set(['ribbon', 'text']));
  expect(parseExtent('?embed=output&hide=bar')).toEqual({
    ...{ embed: 'output', hidden: new Set(['bar']) },
  });
});

test('a figure that a scene lacks → its stage', () => {
  expect(figureIn('4', 'sum')).toBe('stage');
  expect(figureIn('4', 'output')).toBe('output');
  expect(figureIn('6', 'input')).toBe('stage');
  expect(figureIn('free', 'sum')).toBe('sum');
});

test('a stage in a frame → as large as it is whole', () => {
  expect(scaleIn({ width: 1280, height: 800 })).toBe(1);
  expect(scaleIn({ width: 520, height: 260 })).toBe(0.5);
  expect(scaleIn({ width: 370, height: 370 })).toBe(0.5);
  expect(scaleIn({ width: 376, height: 620 })).toBe(1);
});
