import { expect } from 'vitest';
import { type ErrorCode, TaesdError } from '../../src/errors.ts';

/** A safetensors file made by hand, so that it may be wrong: any header text, any data. */
export function rawFile(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** One tensor's entry as JSON: `entry('a', 'F32', [2], [0, 8])`. */
export const entry = (
  name: string,
  dtype: string,
  shape: readonly number[],
  offsets: readonly number[],
): string => `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`;

/** What `run` throws; fails the test if that is nothing, or another thing than a TaesdError. */
export function thrownBy(run: () => unknown): TaesdError {
  try {
    run();
  } catch (error) {
    if (error instanceof TaesdError) return error;
    throw error;
  }
  throw new Error('expected a TaesdError, but nothing was thrown');
}

/** Both the code and the whole message. */
export function expectError(run: () => unknown, code: ErrorCode, message: string): void {
  const error = thrownBy(run);
  expect(error.message).toBe(message);
  expect(error.code).toBe(code);
}

/** Numbers in [0, 1) that are the same in every run: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
