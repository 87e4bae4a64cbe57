import { expected } from '../errors.ts';
import type { NanoName } from '../model/variants.ts';
import type { FoundWeights } from '../weights/found.ts';
import { functionOf } from '../weights/nano-function.ts';
import { besideHere, fileName } from './here.ts';

/*
 * Stands in for `weights/in-package.ts` in the files that hold the whole package but its models.
 */

/** @throws TaesdError UNSUPPORTED: each small model has 0.5 MB or more and is a file of its own */
export async function inPackage(name: NanoName): Promise<FoundWeights> {
  const made = functionOf(name);
  const load = `import { ${made} } from '${besideHere(`${name}.js`)}' and call Taesd.load(${made}())`;
  const rule = 'a file of the package with them';
  throw expected('UNSUPPORTED', `weights of ${name}`, rule, fileName(), {
    remedy: { api: `${load}, or use download: true, which fetches taesd` },
  });
}
