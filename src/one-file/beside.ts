import { expected, messageOf } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { type NanoName, VARIANTS } from '../model/variants.ts';
import type { FoundWeights } from '../weights/found.ts';
import { readFiles } from '../weights/from-bytes.ts';
import { functionOf } from '../weights/nano-function.ts';
import { besideHere } from './here.ts';

/*
 * Stands in for `weights/in-package.ts` in taesd-preview.min.js: an element on a page with nothing
 * but its script has the small models from their files beside it.
 */

/** @throws TaesdError NETWORK (the file beside this one cannot be loaded) */
export async function inPackage(name: NanoName, halves: readonly Half[]): Promise<FoundWeights> {
  const variant = VARIANTS[name];
  const addressOfModel = besideHere(`${name}.js`);
  let module: Record<string, () => { readonly weights: Parameters<typeof readFiles>[0] }>;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ addressOfModel);
  } catch (cause) {
    const rule = `the file ${addressOfModel}`;
    throw expected('NETWORK', `weights of ${name}`, rule, messageOf(cause), { cause });
  }
  const tensors = await readFiles(module[functionOf(name)]().weights, variant, halves);
  return { variant, tensors, from: addressOfModel };
}
