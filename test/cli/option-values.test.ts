import { expect, test } from 'vitest';
import { type CommandSpec, readCommandLine } from '../../src/cli/line/command-line.ts';
import {
  modelHint,
  readBackground,
  readOutput,
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
  expect(readBackground(text)).toEqual({ background });
});

test('readBackground: drop → alpha is forgotten', () => {
  expect(readBackground('drop')).toEqual({ alpha: 'drop' });
});

test.each(['451x300', '451X300', '451×300'])('readSize: %s → 451×300', (text) => {
  expect(readSize(text)).toEqual({ width: 451, height: 300 });
});

test('readWorkers: 0 to 64 → the number', () => {
  expect(['0', '2', '64'].map(readWorkers)).toEqual([0, 2, 64]);
});

test('readOutput: files, in /dev too → the name', () => {
  const names = ['o.png', './-', '-.png', '/dev/shm/o.png'];
  expect(names.map(readOutput)).toEqual(names);
});

test('readCommandLine: options that are not given → undefined, flags → false', () => {
  const spec = {
    name: 'roundtrip',
    summary: '',
    detail: '',
    examples: [],
    operand: { name: 'IN', help: '' },
    options: ['output', 'model', 'workers', 'background', 'tableSize', 'float', 'inner'],
  } as const satisfies CommandSpec;
  const args = ['in.png', '-o', 'o.png', '--size', '3x4', '--inner'];
  expect(readCommandLine(spec, args)).toEqual({
    operand: 'in.png',
    output: 'o.png',
    model: undefined,
    workers: undefined,
    background: undefined,
    tableSize: { width: 3, height: 4 },
    float: false,
    inner: true,
  });
  expect(readCommandLine(spec, [...args, '-h'])).toBe('help');
});

test.each([
  ['taew2_2', 'not supported yet: for Wan 2.2 TI2V 5B, a video model'],
  ['TAEHV', 'not supported yet: for HunyuanVideo, CogVideoX or Open-Sora 1.3, a video model'],
  ['taew', 'taew2_1?'],
  ['Taesana', 'taesana?'],
  ['nano', undefined],
  ['sdxl', undefined],
])('modelHint: %s → %s', (name, hint) => {
  expect(modelHint(name)).toBe(hint);
});
