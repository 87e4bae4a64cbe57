import { type TestFunction, test } from 'vitest';

/**
 * Whether this is the slow suite. It runs some quick files again, at full length: every seed and
 * size of what the quick suite takes a sample of, and these files' command lines as processes of
 * their own.
 */
export const isFullLength = process.env.TAESD_TEST_FULL_LENGTH === '1';

/** A number of rounds, seeds or rows: a sample in the quick suite, all in the slow one. */
export const rounds = (sample: number, all: number): number => (isFullLength ? all : sample);

/** A sample in the quick suite, all in the slow one. */
export const sampled = <Item>(sample: readonly Item[], all: readonly Item[]): readonly Item[] =>
  isFullLength ? all : sample;

/** The first, the third and so on: a sample. */
export const everySecond = <Item>(items: readonly Item[]): readonly Item[] =>
  items.filter((_, i) => i % 2 === 0);

/** Adds a test to the slow suite alone. */
export function testAtFullLength(name: string, body: TestFunction): void {
  if (isFullLength) test(name, body);
}
