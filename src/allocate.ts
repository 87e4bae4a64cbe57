import { expected, messageOf, type TaesdError } from './errors.ts';

/*
 * Memory that may not be there. A runtime reports that as a RangeError, which callers could not tell from a fault of
 * this program; here it becomes OOM.
 */

/** Bytes for `what`. @throws TaesdError OOM */
export const allocateBytes = (what: string, length: number, hint?: string) =>
  allocate(what, `${length} bytes`, () => new Uint8Array(length), hint);

/** Bytes that round and clamp what is stored in them, for `what`. @throws TaesdError OOM */
export const allocateClamped = (what: string, length: number, hint?: string) =>
  allocate(what, `${length} bytes`, () => new Uint8ClampedArray(length), hint);

/** Float32 numbers for `what`. @throws TaesdError OOM */
export const allocateFloats = (what: string, length: number) =>
  allocate(what, `${length} numbers`, () => new Float32Array(length));

/**
 * Runs `make`, of which nothing but lack of memory may throw a RangeError.
 *
 * @param what   what it is for
 * @param rule   how much, or for what: `16 bytes`
 * @throws TaesdError OOM
 */
export function allocate<T>(what: string, rule: string, make: () => T, hint?: string): T {
  try {
    return make();
  } catch (cause) {
    throw cause instanceof RangeError ? outOfMemory(what, rule, cause, hint) : cause;
  }
}

/** The error for an allocation that failed. */
export function outOfMemory(what: string, rule: string, cause: unknown, hint?: string): TaesdError {
  const got = messageOf(cause);
  return expected('OOM', what, `memory for ${rule}`, got, { hint, cause });
}
