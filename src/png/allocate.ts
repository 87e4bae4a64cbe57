import { expected } from '../errors.ts';

/**
 * `new Uint8Array(length)` with a typed error.
 *
 * @throws TaesdError OOM when the runtime has no room for it
 */
export function allocateBytes(where: string, what: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw outOfMemory(where, what, `${length} bytes`, cause);
  }
}

/** The error for a failed allocation: runtimes report it as a RangeError. */
export function outOfMemory(where: string, what: string, rule: string, cause: unknown): Error {
  const got = cause instanceof Error ? cause.message : String(cause);
  return expected('OOM', where, what, `memory for ${rule}`, got, 'a smaller picture still works', {
    cause,
  });
}
