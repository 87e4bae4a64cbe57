import { CacheStore } from '../weights/cache-store.ts';
import type { WeightStore } from '../weights/store.ts';

/*
 * Stands in for `weights/open-store.ts` in the files that hold the whole package: they are for
 * pages, and for Deno by address, which has the Cache API too.
 */

/** Opens the Cache API's store. It reports itself if the runtime has no Cache API. */
export const openStore = async (): Promise<WeightStore> => new CacheStore();
