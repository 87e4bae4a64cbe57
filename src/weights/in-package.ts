import { expected, messageOf, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { type NanoName, VARIANTS } from '../model/variants.ts';
import type { Halves } from '../options/types.ts';
import { orKeepOut, packageFile } from '../platform/package-file.ts';
import type { FoundWeights } from './found.ts';
import { readFiles } from './from-bytes.ts';
import { functionOf } from './nano-function.ts';

/**
 * Reads a small model of the package: a module, so it loads wherever the package's code does. Files
 * that hold the whole package have `one-file/in-package.ts` in place of this.
 *
 * @throws TaesdError ARG (the module cannot be loaded)
 */
export async function inPackage(name: NanoName, halves: readonly Half[]): Promise<FoundWeights> {
  const variant = VARIANTS[name];
  const tensors = await readFiles(await packagedWeights(name), variant, halves);
  return { variant, tensors, from: 'the package' };
}

/**
 * Returns the files of weights of a small model.
 *
 * @throws TaesdError ARG (the module cannot be loaded)
 */
export async function packagedWeights(name: NanoName): Promise<Halves<Uint8Array>> {
  const made = functionOf(name);
  try {
    const module = await importNano(name);
    return module[made]().weights;
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const command = 'in a checkout, "npm run build"';
    const given = `Taesd.load(${made}()) with ${made} from taesd-wasm/${name}`;
    const remedy = { api: `${orKeepOut(given)}; ${command}`, command };
    const [what, rule] = [`weights of ${name}`, `the package's ${name}.js`];
    throw expected('ARG', what, rule, messageOf(cause), { remedy, cause });
  }
}

/** The addresses of the modules, each in the form that bundlers find. */
const COPIES: Readonly<Record<NanoName, () => URL>> = {
  nano: () => new URL('../../dist/nano.js', import.meta.url),
  'nano-sdxl': () => new URL('../../dist/nano-sdxl.js', import.meta.url),
  'nano-sd3': () => new URL('../../dist/nano-sd3.js', import.meta.url),
  'nano-flux1': () => new URL('../../dist/nano-flux1.js', import.meta.url),
};

/** Imports a module by its address: bundlers would take a name into every bundle, with its MB. */
async function importNano(name: NanoName) {
  const [{ href }, other] = packageFile(COPIES[name], `../../dist/${name}.js`, import.meta.url);
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ href);
  } catch (error) {
    if (other === undefined) throw error;
    return import(/* @vite-ignore */ /* webpackIgnore: true */ other.href);
  }
}
