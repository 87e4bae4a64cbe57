import { expect, test } from 'vitest';
import { skippedSentence } from './skipped-reporter.ts';

test('skippedSentence: none, one, several reasons → one sentence', () => {
  expect(skippedSentence(new Map())).toBe('No test was skipped.');
  expect(skippedSentence(new Map([['b is absent', 1]]))).toBe(
    '1 test was skipped, since b is absent.',
  );
  const counts = new Map([
    ['b is absent', 1],
    ['../shared is absent', 214],
  ]);
  expect(skippedSentence(counts)).toBe(
    '214 tests were skipped, since ../shared is absent; 1 was skipped, since b is absent.',
  );
});
