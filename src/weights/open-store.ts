import { isNodeLike } from '../platform/runtime.ts';
import type { WeightStore } from './store.ts';

/**
 * Opens the store of this runtime: a folder in the user's cache folder, made when something is
 * written to it, or a browser's Cache API.
 *
 * @throws TaesdError UNSUPPORTED (Deno without the permission to read the home folder's path)
 */
export async function openStore(): Promise<WeightStore> {
  if (isNodeLike()) {
    const { cacheFolder, FolderStore } = await import('./folder-store.ts');
    return new FolderStore(cacheFolder());
  }
  const { CacheStore } = await import('./cache-store.ts');
  return new CacheStore();
}
