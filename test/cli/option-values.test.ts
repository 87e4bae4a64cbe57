import { expect, test } from 'vitest';
import {
  checkOutputName,
  readBackground,
  readSize,
  readWorkers,
} from '../../src/cli/line/option-values.ts';

test.each([
  ['white', [255, 255, 255]],
  ['Black', [0, 0, 0]],
  ['gray', [128, 128, 128]],
  ['grey', [128, 128, 128]],
  ['#f80', [255, 136, 0]],
  ['#Ff8001', [255, 128, 1]],
  ['1,20,255', [1, 20, 255]],
])('readBackground: %s → %j', (text, background) => {
  expect(readBackground('encode', text)).toEqual({ background });
});

test('readBackground: drop → alpha is forgotten; none → the default', () => {
  expect(readBackground('encode', 'drop')).toEqual({ alpha: 'drop' });
  expect(readBackground('encode', undefined)).toEqual({});
});

test.each(['451x300', '451X300', '451×300'])('readSize: %s → 451×300', (text) => {
  expect(readSize('decode', text)).toEqual({ width: 451, height: 300 });
});

test('readWorkers: 0 to 64 → the number; none → decided later', () => {
  expect(['0', '2', '64'].map((text) => readWorkers('encode', text))).toEqual([0, 2, 64]);
  expect(readWorkers('encode', undefined)).toBeUndefined();
});

test('checkOutputName: files, in /dev too → nothing', () => {
  for (const path of ['o.png', './-', '-.png', '/dev/shm/o.png']) {
    checkOutputName('encode', path, 'a file');
  }
});
