import { isRangeError } from './builtins/tags.ts';
import { onOneLine, TaesdError, withHint } from './errors.ts';

/*
 * Allocations that may fail. A runtime reports a failed allocation as a RangeError, which callers
 * could not tell from a fault of this program. Here it becomes a TaesdError with the code OOM.
 */

/** Allocates bytes for `what`. @throws TaesdError OOM */
export const allocateBytes = (what: string, length: number, hint?: string) =>
  allocate(what, `${length} bytes`, () => new Uint8Array(length), hint);

/** Allocates bytes that round and clamp stored numbers, for `what`. @throws TaesdError OOM */
export const allocateClamped = (what: string, length: number, hint?: string) =>
  allocate(what, `${length} bytes`, () => new Uint8ClampedArray(length), hint);

/** Allocates float32 numbers for `what`. @throws TaesdError OOM */
export const allocateFloats = (what: string, length: number) =>
  allocate(what, `${length} numbers`, () => new Float32Array(length));

/**
 * Runs `make` and turns its RangeError into OOM. Only a lack of memory may make it throw one.
 *
 * @param what    the name of the thing that needs the memory: `pixels`
 * @param amount  the amount of memory, or its use: `16 bytes`
 * @param hint    the remedy, if one is known
 * @throws TaesdError OOM
 */
export function allocate<T>(what: string, amount: string, make: () => T, hint?: string): T {
  try {
    return make();
  } catch (cause) {
    throw isRangeError(cause) ? outOfMemory(what, amount, cause, hint) : cause;
  }
}

/**
 * Makes the error of a failed allocation.
 *
 * @param cause  the runtime's RangeError
 */
export function outOfMemory(
  what: string,
  amount: string,
  cause: unknown,
  hint?: string,
): TaesdError {
  const sentence = `out of memory for "${onOneLine(what)}": ${amount}`;
  return new TaesdError('OOM', withHint(sentence, hint), { cause });
}
