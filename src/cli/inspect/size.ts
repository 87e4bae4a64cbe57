import { TaesdError } from '../../errors.ts';
import type { Size } from '../line/size.ts';

/** The default size of the picture that layers are listed for. */
export const DEFAULT_SIZE: Size = { width: 512, height: 512 };

/**
 * Refuses a size for a file without layers.
 *
 * @param contents  the contents of the file: `latents`
 * @throws TaesdError ARG (a size is given)
 */
export function refuseSize(size: Size | undefined, contents: string): void {
  if (size === undefined) return;
  throw new TaesdError('ARG', `--size is for models and weights, not for ${contents}`);
}
