import { expected, type TaesdError } from '../errors.ts';
import type { ManifestFile } from './manifest.ts';
import { type Draft, STORE_NAME, type WeightStore } from './store.ts';

/**
 * Weights in a browser's Cache API (https://w3c.github.io/ServiceWorker/#cache-interface). A put is whole or is not, so
 * pages that pull at once do no harm. What came of a file is in memory until then: a page that is closed begins again.
 */
export class CacheStore implements WeightStore {
  get place(): string {
    const none = hasCaches() ? '' : ' (there is no Cache API here)';
    return `cache ${STORE_NAME} of this site${none}`;
  }

  pathOf(name: string): string {
    return `${STORE_NAME}/${name}`;
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!hasCaches()) return undefined;
    try {
      // Not `caches.match`, which Cloudflare's workers lack.
      const cache = await caches.open(STORE_NAME);
      const response = await cache.match(keyOf(name));
      return response && new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw refused(this.pathOf(name), 'a cache that can be used', cause);
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    if (!hasCaches()) {
      const hint = 'a page that came by HTTPS has it; or give the option weights';
      const rule = 'the Cache API, to keep what is downloaded';
      throw expected('UNSUPPORTED', 'caches', rule, 'none', { hint });
    }
    return new CacheDraft(this.pathOf(file.name), file);
  }
}

class CacheDraft implements Draft {
  readonly #path: string;
  readonly #file: ManifestFile;
  #pieces: Uint8Array<ArrayBuffer>[] = [];

  constructor(path: string, file: ManifestFile) {
    this.#path = path;
    this.#file = file;
  }

  get length(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  async append(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#pieces.push(piece);
  }

  async restart(): Promise<void> {
    this.#pieces = [];
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await new Blob(this.#pieces).arrayBuffer());
  }

  async keep(): Promise<void> {
    const { name, bytes } = this.#file;
    try {
      const cache = await caches.open(STORE_NAME);
      const headers = { 'content-type': 'application/octet-stream', 'content-length': `${bytes}` };
      await cache.put(keyOf(name), new Response(new Blob(this.#pieces), { headers }));
    } catch (cause) {
      throw refused(this.#path, `room for ${bytes} bytes`, cause);
    }
  }

  async leave(): Promise<void> {
    this.#pieces = [];
  }
}

const hasCaches = () => typeof caches !== 'undefined';

/** A cache's keys are requests; `.invalid` is a name that no server has (RFC 6761). */
const keyOf = (name: string) => `https://${STORE_NAME}.invalid/${name}`;

function refused(path: string, rule: string, cause: unknown): TaesdError {
  const isFull = (cause as { name?: unknown } | null)?.name === 'QuotaExceededError';
  const got = isFull ? 'a full disk: the quota of this site is used up' : String(cause);
  const hint = 'the option weights needs none';
  return expected('ARG', path, rule, got, { hint, cause });
}
