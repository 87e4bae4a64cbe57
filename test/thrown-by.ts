import { expect } from 'vitest';
import { type ErrorCode, TaesdError } from '../src/errors.ts';

/**
 * Returns the TaesdError that `run` throws, or undefined if it throws nothing. Fails the test if it
 * throws anything else, or a message of several lines.
 */
export function faultOf(run: () => unknown): TaesdError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof TaesdError && !error.message.includes('\n')) return error;
    throw error;
  }
}

/** Returns the TaesdError that `run` throws. Fails the test if it throws another or nothing. */
export function thrownBy(run: () => unknown): TaesdError {
  const error = faultOf(run);
  if (error === undefined) throw new Error('expected a TaesdError, but nothing was thrown');
  return error;
}

/** Checks the code and the whole message of an error. */
export function expectError(run: () => unknown, code: ErrorCode, message: string): void {
  const error = thrownBy(run);
  expect(error.message).toBe(message);
  expect(error.code).toBe(code);
}
