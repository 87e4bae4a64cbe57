import { allocateBytes as bytesFor, outOfMemory as noMemory } from '../allocate.ts';

const HINT = 'a smaller picture still works';

/**
 * `new Uint8Array(length)` with a typed error.
 *
 * @throws TaesdError OOM when the runtime has no room for it
 */
export const allocateBytes = (what: string, length: number): Uint8Array =>
  bytesFor(what, length, HINT);

/** The error for a failed allocation: runtimes report it as a RangeError. */
export const outOfMemory = (what: string, rule: string, cause: unknown): Error =>
  noMemory(what, rule, cause, HINT);
