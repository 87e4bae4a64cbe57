import { allocateBytes, outOfMemory } from '../allocate.ts';
import type { TaesdError } from '../errors.ts';

/** The remedy that every OOM error of this folder names. */
const HINT = 'a smaller picture still works';

/** Allocates bytes for `what`, a part of the work on a PNG file. @throws TaesdError OOM */
export const allocatePngBytes = (what: string, length: number): Uint8Array =>
  allocateBytes(what, length, HINT);

/** Makes the error of a failed allocation. @param cause  the runtime's RangeError */
export const outOfPngMemory = (what: string, amount: string, cause: unknown): TaesdError =>
  outOfMemory(what, amount, cause, HINT);
