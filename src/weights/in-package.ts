import { expected, messageOf, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { VARIANTS } from '../model/variants.ts';
import type { FoundWeights } from './found.ts';
import { readFiles } from './from-bytes.ts';

/**
 * Reads the small model of the package: a module, so it loads wherever the package's code does.
 * Files that hold the whole package have `one-file/in-package.ts` in place of this.
 *
 * @throws TaesdError ARG (the module cannot be loaded)
 */
export async function inPackage(halves: readonly Half[]): Promise<FoundWeights> {
  const command = 'in a checkout, "npm run build"';
  const remedy = { api: `Taesd.load(nano()) with nano from taesd-wasm/nano; ${command}`, command };
  try {
    // An address and not a name: bundlers would take the weights into every bundle.
    const url = new URL('../../dist/nano.js', import.meta.url);
    const { nano } = await import(/* @vite-ignore */ /* webpackIgnore: true */ url.href);
    const variant = VARIANTS.nano;
    const tensors = await readFiles(nano().weights, variant, halves);
    return { variant, tensors, from: 'the package' };
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('ARG', 'weights of nano', "the package's nano.js", got, { remedy, cause });
  }
}
