import { TaesdError } from '../../src/errors.ts';

/**
 * Returns the outcome of a call: `ok` and what `work` returns, or the code and the rule of its
 * `TaesdError`, without names and numbers.
 *
 * @throws anything else that `work` throws
 */
export function outcomeOf(work: () => string): string {
  try {
    return `ok ${plain(work())}`;
  } catch (error) {
    return refusal(error);
  }
}

/** Like `outcomeOf`, for calls that return promises. */
export async function outcomeOfAsync(work: () => Promise<string>): Promise<string> {
  try {
    return `ok ${plain(await work())}`;
  } catch (error) {
    return refusal(error);
  }
}

/** Returns a `TaesdError` as an outcome. @throws any other error */
export function refusal(error: unknown): string {
  if (!(error instanceof TaesdError)) throw error;
  if (!CODES.has(error.code)) throw new TypeError(`an error with the code ${error.code}`);
  return `${error.code} ${plain(error.sentence)}`;
}

const CODES: ReadonlySet<string> = new Set([
  ...['FORMAT', 'TRUNCATED', 'INTEGRITY', 'UNSUPPORTED', 'LIMIT', 'SHAPE', 'NONFINITE', 'UNSAFE'],
  ...['ARG', 'NETWORK', 'OOM', 'WORKER', 'ABORTED'],
]);

/** Returns a sentence without the names and numbers of one input. */
export const plain = (sentence: string): string =>
  sentence
    .slice(0, 300)
    .replace(/, got .*/s, '')
    .replace(/"[^"]*"/g, '""')
    .replace(/\w*\d\w*/g, '#')
    .slice(0, 90);
