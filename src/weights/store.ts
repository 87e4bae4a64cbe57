import { isNodeLike } from '../platform/runtime.ts';
import type { ManifestFile } from './manifest.ts';

/** The folder, or the name of the browser's cache, that downloaded weights are kept in. */
export const STORE_NAME = 'taesd-wasm';

/** Where downloaded weights are kept, each file whole and under its own name. */
export interface WeightStore {
  /** In words: `cache /home/me/.cache/taesd-wasm`. */
  readonly place: string;
  /** What a file there is called in messages: `/home/me/.cache/taesd-wasm/taesd_encoder.safetensors`. */
  pathOf(name: string): string;
  /**
   * A file that was kept.
   *
   * @returns undefined where there is none
   * @throws TaesdError ARG where it cannot be read
   */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Begins to write a file, or goes on with one that was left half written.
   *
   * @throws TaesdError ARG where nothing can be written, UNSUPPORTED where nothing can be kept
   */
  begin(file: ManifestFile): Promise<Draft>;
}

/**
 * A file that is being written. Nobody else writes to it, and nobody sees it under its name before it is kept. What
 * cannot be written, such as to a full disk, is a TaesdError ARG.
 */
export interface Draft {
  /** Bytes that are there. */
  readonly length: number;
  append(piece: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Forgets all bytes. */
  restart(): Promise<void>;
  /** What is there, read back. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives the file its name, in one step, in place of one that may be there. The draft's end. */
  keep(): Promise<void>;
  /** Leaves what is there, if it is of use, to a later draft of the same file. Never throws. The draft's end. */
  leave(): Promise<void>;
}

/**
 * The store of this runtime: the user's cache folder, which is made when something is written, or a browser's Cache API.
 */
export async function openStore(): Promise<WeightStore> {
  if (isNodeLike()) {
    const { cacheFolder, FolderStore } = await import('./folder-store.ts');
    return new FolderStore(cacheFolder());
  }
  const { CacheStore } = await import('./cache-store.ts');
  return new CacheStore();
}
