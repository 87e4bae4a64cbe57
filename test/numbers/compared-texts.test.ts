import { expect, test } from 'vitest';
import { Memory } from '../../src/backend/wasm/memory.ts';
import { inMiB } from '../../src/numbers/byte-text.ts';
import { comparedTexts } from '../../src/numbers/compared-texts.ts';
import { thrownBy } from '../thrown-by.ts';

const MIB = 2 ** 20;

test.each([
  [[13 * MIB, 20 * MIB], '13 MiB', '20 MiB'],
  [[13 * MIB, 13 * MIB + 64], '13 MiB', '14 MiB'],
  [[13 * MIB, 13.5 * MIB], '13 MiB', '14 MiB'],
  [[12.5 * MIB, 12.75 * MIB], '12.5 MiB', '12.8 MiB'],
  [[12.5 * MIB, 12.5 * MIB + 1], '12.5 MiB', '12.6 MiB'],
  [[12.3 * MIB - 8, 12.3 * MIB - 7], '12.299993 MiB', '12.299994 MiB'],
  [[13 * MIB, 13 * MIB], '13 MiB', '13 MiB'],
  [[1000, 1064], '1000 bytes', '1064 bytes'],
  [[1000, 2 * MIB], '1000 bytes', '2 MiB'],
  [[NaN, MIB], 'NaN MiB', '1 MiB'],
  [[MIB, Infinity], '1 MiB', 'Infinity MiB'],
] as const)('comparedTexts: %j bytes → %s, %s', (pair, first, second) => {
  expect(comparedTexts(pair, inMiB)).toEqual([first, second]);
});

test('comparedTexts: numbers with digits of their own → as many as tell them apart', () => {
  const precise = (value: number, digits: number) => value.toPrecision(2 + digits);
  expect(comparedTexts([1.04e-4, 1e-4], precise)).toEqual(['0.000104', '0.000100']);
  expect(comparedTexts([0.3, 1e-4], precise)).toEqual(['0.30', '0.00010']);
});

test('Memory: a limit that 64 bytes are missing from → LIMIT with two different numbers', () => {
  const memory = new Memory(12.5 * MIB);
  expect(thrownBy(() => memory.allocate('feature maps', 12.5 * MIB))).toMatchObject({
    code: 'LIMIT',
    message:
      '"feature maps" expected at most 12.5 MiB of memory, got 12.6 MiB (a larger maxMemory, or a narrower picture)',
  });
});
