import { expected, messageOf, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { VARIANTS, type Variant } from '../model/variants.ts';
import type { LoadOptions } from '../options/types.ts';
import { readBytes, readParts } from './from-bytes.ts';
import type { ModelTensors } from './key-names.ts';
import type { PullOptions } from './pull.ts';

/** Weights, whose they are, and where they were found: what `info` says. */
export interface FoundWeights {
  readonly variant: Variant;
  readonly tensors: ModelTensors;
  readonly from: string;
}

/** How weights are looked for: the options of `load`, and for tests the store and the manifest. */
export type LookOptions = Pick<LoadOptions, 'weights' | 'download'> & PullOptions;

/**
 * Finds and reads the weights of a model: those that are given, or else those of the first place that has them: the
 * folder that TAESD_WEIGHTS names, the cache of downloaded files, and, if that is allowed, the network. Never those of
 * another model than the named one; where none is named, `taesd`, and if it is nowhere, `nano`, which is in the package.
 *
 * @param named  undefined for none
 * @param parts  the networks that are wanted: from a folder all of them, from a file or bytes those that are there,
 *   at least one
 * @throws TaesdError ARG (not found, naming each place; unreadable), UNSUPPORTED (a .pth), SHAPE (the other network
 *   alone), LIMIT (a file of more than 256 MiB), and what `readSafetensors`, `splitByKeyNames` and `pullModel` throw
 */
export async function locateWeights(
  named: Variant | undefined,
  parts: readonly Half[],
  options: LookOptions = {},
): Promise<FoundWeights> {
  const variant = named ?? VARIANTS.taesd;
  const { weights } = options;
  if (typeof weights === 'string' || weights instanceof URL) {
    const { readGivenPlace } = await import('./from-place.ts');
    const tensors = await readGivenPlace(variant, weights, parts, options.signal);
    return { variant, tensors, from: `${weights}` };
  }
  if (weights !== undefined) {
    return { variant, tensors: readBytes(weights, parts), from: 'given bytes' };
  }
  if (variant === VARIANTS.nano) return inPackage(parts);
  // With the cache, the network and all: whoever gives bytes never loads this code.
  const { notFound, searchWeights } = await import('./search.ts');
  const wanted = { variant, parts };
  const found = await searchWeights(wanted, options);
  if ('tensors' in found) return found;
  if (named === undefined) return inPackage(parts);
  throw notFound(wanted, found);
}

/** The small model of the package, as a module: wherever the package's code can be loaded, it can. */
async function inPackage(parts: readonly Half[]): Promise<FoundWeights> {
  const api = 'Taesd.load(nano()) with nano from taesd-wasm/nano; in a checkout, "npm run build"';
  try {
    // An address and not a name: bundlers would take the weights into every bundle.
    const url = new URL('../../dist/nano.js', import.meta.url);
    const { nano } = await import(/* @vite-ignore */ /* webpackIgnore: true */ url.href);
    const tensors = readParts(nano().weights, parts);
    return { variant: VARIANTS.nano, tensors, from: 'the package' };
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('ARG', 'weights of nano', "the package's nano.js", got, { remedy: { api }, cause });
  }
}
