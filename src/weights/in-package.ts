import { expected, messageOf, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { VARIANTS } from '../model/variants.ts';
import { orKeepOut, packageFile } from '../platform/package-file.ts';
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
  const api = `${orKeepOut('Taesd.load(nano()) with nano from taesd-wasm/nano')}; ${command}`;
  const remedy = { api, command };
  try {
    const { nano } = await importNano();
    const variant = VARIANTS.nano;
    const tensors = await readFiles(nano().weights, variant, halves);
    return { variant, tensors, from: 'the package' };
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('ARG', 'weights of nano', "the package's nano.js", got, { remedy, cause });
  }
}

const NANO_PATH = '../../dist/nano.js';

/** Imports the module by its address: bundlers would take a name into every bundle, with 2 MB. */
async function importNano() {
  const copy = () => new URL('../../dist/nano.js', import.meta.url);
  const [{ href }, other] = packageFile(copy, NANO_PATH, import.meta.url);
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ href);
  } catch (error) {
    if (other === undefined) throw error;
    return import(/* @vite-ignore */ /* webpackIgnore: true */ other.href);
  }
}
