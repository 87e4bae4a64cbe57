import { expect, test } from 'vitest';
import { faultsOf, trendOf } from './growth.mjs';

/** Samples of a run in which one measure has these values. */
const samples = (name: string, values: readonly unknown[]) =>
  values.map((value) => ({ heap: 15e6, listeners: 0, [name]: value }));
const rising = (bytes: number) => Array.from({ length: 21 }, (_, i) => 15e6 + (bytes * i) / 20);
/** 0.4 MB to and fro. */
const wavering = rising(0).map((value, i) => value + 0.4e6 * (i % 2));

test.each([
  ['a heap that wavers', 'heap', wavering],
  ['a heap with one high sample', 'heap', rising(0).map((v, i) => v + (i === 9 ? 5e6 : 0))],
  ['memory of the process, which is only shown', 'process', rising(50e6)],
])('%s → no fault', (_, name, values) => {
  expect(faultsOf(samples(name, values))).toEqual([]);
});

test.each([
  [
    'a heap that rises by 2.5 MB',
    'heap',
    rising(2.5e6),
    ['heap: grew by 2.25 MB', 'heap: rises by 2.50 MB from end to end'],
  ],
  [
    'a rise under the wavering',
    'heap',
    rising(2.2e6).map((value, i) => value + 0.4e6 * (i % 2)),
    ['heap: rises by 2.20 MB from end to end'],
  ],
  ['one listener more', 'listeners', [0, 0, 1, 1], ['listeners: 0 at first, 1 in sample 2']],
  ['a handle more', 'handles', ['', 'Timeout'], ['handles: none at first, Timeout in sample 1']],
])('%s → a fault', (_, name, values, faults) => {
  expect(faultsOf(samples(name, values))).toEqual(faults);
});

test('a rise and its wavering → the rise; few samples → no trend', () => {
  expect(trendOf(rising(1e6))).toBeCloseTo(1e6);
  expect(trendOf(wavering)).toBe(0);
  expect(trendOf(rising(1e6).slice(0, 7))).toBe(0);
});
