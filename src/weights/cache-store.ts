import { messageOf } from '../errors.ts';
import type { FoundFile } from '../platform/regular-file.ts';
import { HeldBytes } from './held-bytes.ts';
import type { ManifestFile } from './manifest.ts';
import {
  type Draft,
  refused,
  roomFor,
  STORE_NAME,
  type StoreRefusal,
  type WeightStore,
} from './store.ts';

/**
 * The store in a browser's Cache API (https://w3c.github.io/ServiceWorker/#cache-interface). A put
 * is atomic, so pages may pull at the same time. Until then a draft is in memory: a page that is
 * closed loses it.
 */
export class CacheStore implements WeightStore {
  get location(): string {
    const none = hasCaches() ? '' : ' (there is no Cache API here)';
    return `cache ${STORE_NAME} of this site${none}`;
  }

  pathOf(name: string): string {
    return `${STORE_NAME}/${name}`;
  }

  async read(name: string, maxBytes: number): Promise<FoundFile | undefined> {
    if (!hasCaches()) return undefined;
    try {
      // Not `caches.match`, which Cloudflare's workers lack.
      const cache = await caches.open(STORE_NAME);
      const response = await cache.match(keyOf(name));
      if (response === undefined) return undefined;
      // A script of this site may have put anything there. A blob is not in memory yet.
      const blob = await response.blob();
      const isRead = blob.size <= maxBytes;
      const bytes = isRead ? new Uint8Array(await blob.arrayBuffer()) : undefined;
      return { otherKind: undefined, size: blob.size, bytes };
    } catch (cause) {
      throw refusal(this.pathOf(name), 'a cache that can be read', cause);
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    if (!hasCaches()) {
      const remedy = { api: 'a page that came by HTTPS has it; or give the option weights' };
      const rule = 'the Cache API, to keep what is downloaded';
      throw refused('caches', rule, 'none', { code: 'UNSUPPORTED', remedy });
    }
    return new CacheDraft(this.pathOf(file.name), file);
  }
}

class CacheDraft implements Draft {
  readonly #path: string;
  readonly #file: ManifestFile;
  readonly #held = new HeldBytes();

  constructor(path: string, file: ManifestFile) {
    this.#path = path;
    this.#file = file;
  }

  get length(): number {
    return this.#held.length;
  }

  async append(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#held.append(piece);
  }

  async restart(): Promise<void> {
    this.#held.clear();
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#held.whole();
  }

  async keep(): Promise<void> {
    const { name } = this.#file;
    try {
      const cache = await caches.open(STORE_NAME);
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': `${this.length}`,
      };
      await cache.put(keyOf(name), new Response(this.#held.blob(), { headers }));
    } catch (cause) {
      throw refusal(this.#path, roomFor(this.#file), cause);
    }
  }

  async leave(): Promise<void> {
    this.#held.clear();
  }
}

/** In a sandboxed frame, reading the name throws. Its calls then say why. */
function hasCaches(): boolean {
  try {
    return typeof caches !== 'undefined';
  } catch {
    return true;
  }
}

/**
 * Returns the key of a file, which must be a URL. No server has a name in `.invalid` (RFC 6761).
 */
const keyOf = (name: string) => `https://${STORE_NAME}.invalid/${name}`;

function refusal(path: string, rule: string, cause: unknown): StoreRefusal {
  const { name } = (cause ?? {}) as { readonly name?: unknown };
  const got =
    name === 'QuotaExceededError'
      ? 'a full disk: the quota of this site is used up'
      : `${name}: ${messageOf(cause).replace(/\.$/, '')}`;
  const remedy = { api: 'the option weights needs none' };
  return refused(path, rule, got, { remedy, cause });
}
