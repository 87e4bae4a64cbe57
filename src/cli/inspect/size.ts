import { expected } from '../../errors.ts';
import type { Size } from '../line/option-values.ts';

/** The picture that layers are listed for unless another size is given. */
export const DEFAULT_SIZE: Size = { width: 512, height: 512 };

/** @throws TaesdError ARG where a size is given for what has no layers */
export function refuseSize(size: Size | undefined, got: string): void {
  if (size === undefined) return;
  throw expected('ARG', '--size', 'a model or a file of weights to go with', got);
}
