import { afterEach, expect, test, vi } from 'vitest';
import { KeptBytes } from '../../src/remote/kept-bytes.ts';

/* The bytes that the answers of a handler keep together. */

// The package takes its clock once; these tests set it.
vi.mock(import('../../src/platform/timers.ts'), async (original) => ({
  ...(await original()),
  millisecondsOfDate: () => Date.now(),
}));

afterEach(() => vi.useRealTimers());

test('kept bytes: 60, 50 and 40 of 100 → the second is refused, the third has room; one alone always has', () => {
  const [kept, a, b, c, d] = [new KeptBytes(100, 1000), {}, {}, {}, {}];
  expect(kept.hold(a, 60)).toBe(true);
  expect(kept.hold(b, 50)).toBe(false);
  expect(kept.hold(c, 40)).toBe(true);
  kept.note(a, 10);
  kept.note(a);
  expect(kept.hold(b, 51)).toBe(false);
  expect(kept.hold(b, 50)).toBe(true);
  for (const answer of [a, b, c]) kept.free(answer);
  expect(kept.hold(d, 1000)).toBe(true);
});

test('kept bytes: an answer without a sign of life → counts for its time and no longer', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const [kept, dropped, other] = [new KeptBytes(100, 1000), {}, {}];
  kept.hold(dropped, 60);
  vi.setSystemTime(Date.now() + 1000);
  expect(kept.hold(other, 50)).toBe(false);
  vi.setSystemTime(Date.now() + 1);
  expect(kept.hold(other, 50)).toBe(true);
});
