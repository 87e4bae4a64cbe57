import { lazily } from '../platform/lazily.ts';
import { isNodeLike } from '../platform/runtime.ts';
import type { WeightStore } from './store.ts';

/**
 * Opens the store of this runtime: a folder in the user's cache folder, made when something is
 * written to it, or a browser's Cache API.
 *
 * @throws TaesdError UNSUPPORTED (no home folder; Deno without the permission to read its path)
 */
export async function openStore(): Promise<WeightStore> {
  if (isNodeLike()) {
    const { cacheFolder, FolderStore } = await lazily(() => import('./folder-store.ts'));
    return new FolderStore(cacheFolder());
  }
  const { CacheStore } = await lazily(() => import('./cache-store.ts'));
  return new CacheStore();
}
