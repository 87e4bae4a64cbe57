import type { Size } from '../line/size.ts';
import { expectedGot, fault } from '../terminal/faults.ts';

/** The default size of the picture that layers are listed for. */
export const DEFAULT_SIZE: Size = { width: 512, height: 512 };

/** @throws TaesdError ARG (a size is given for a file without layers) */
export function refuseSize(size: Size | undefined, got: string): void {
  if (size === undefined) return;
  throw fault('--size', expectedGot('a model or a file of weights beside it', got));
}
