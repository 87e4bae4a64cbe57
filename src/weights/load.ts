import { withoutPasswords } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { VARIANTS, type Variant } from '../model/variants.ts';
import { lazily } from '../platform/lazily.ts';
import type { FoundWeights, LookOptions } from './found.ts';
import { readBytes } from './from-bytes.ts';

/** Weights that need no search. */
const GIVEN = 'Taesd.load(nano()) with nano from taesd-wasm/nano, or the option weights with bytes';

/**
 * Reads the weights of a model: those the caller gave, else those that `locate.ts` finds. Given
 * bytes need none of the code for files, the cache and the network, so it is imported only if
 * needed.
 *
 * @param named   the model the caller named, if any
 * @param halves  the halves to read: all of them from a folder, at least one of them from a file or
 *   bytes
 * @throws TaesdError ARG (unreadable, not found), SHAPE (only the other half), LIMIT (a file of
 *   more than 256 MiB), and the errors of `readWeightFile`, `splitByKeyNames` and `locateWeights`
 */
export async function loadWeights(
  named: Variant | undefined,
  halves: readonly Half[],
  options: LookOptions = {},
): Promise<FoundWeights> {
  const { weights, signal } = options;
  const variant = named ?? VARIANTS.taesd;
  if (weights === undefined) {
    const { locateWeights } = await lazily(() => import('./locate.ts'), GIVEN);
    return locateWeights(named, halves, options);
  }
  if (isAddress(weights)) {
    const { readGivenLocation } = await lazily(() => import('./from-location.ts'), GIVEN);
    const tensors = await readGivenLocation(variant, weights, halves, signal);
    return { variant, tensors, from: withoutPasswords(`${weights}`) };
  }
  return { variant, tensors: await readBytes(weights, variant, halves), from: 'given bytes' };
}

/** A URL has `href`. In workerd before 2024-09-26 it has no tag. */
const isAddress = (weights: unknown): weights is string | URL =>
  typeof weights === 'string' || typeof (weights as Partial<URL> | null)?.href === 'string';
