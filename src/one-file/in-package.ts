import { expected } from '../errors.ts';
import type { FoundWeights } from '../weights/found.ts';
import { besideHere, fileName } from './here.ts';

/*
 * Stands in for `weights/in-package.ts` in the files that hold the whole package but its models.
 */

/** @throws TaesdError UNSUPPORTED: `nano` has 1.4 MB and is a file of its own */
export async function inPackage(): Promise<FoundWeights> {
  const nano = `import { nano } from '${besideHere('nano.js')}' and call Taesd.load(nano())`;
  throw expected('UNSUPPORTED', 'weights of nano', 'a file of the package with them', fileName(), {
    remedy: { api: `${nano}, or use download: true, which fetches taesd` },
  });
}
