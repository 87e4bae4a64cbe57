import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import type { DownloadProgress } from '../options/types.ts';
import { readKept } from './cached.ts';
import type { Manifest, WantedFile } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import { downloadFile } from './mirrors.ts';
import { openStore, type WeightStore } from './store.ts';

/** What weights in the store are compared with and fetched by; in each case the usual unless said. */
export interface PullOptions {
  readonly manifest?: Manifest;
  readonly store?: WeightStore;
  /** The one folder to fetch from, in place of the manifest's. */
  readonly from?: URL;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends the work with its reason; what came is left for the next time. */
  readonly signal?: AbortSignal | undefined;
  readonly stallMs?: number;
}

/** A file that is now in the store. */
export interface PulledFile {
  readonly part: Half;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What was in the store before: something `broken` was replaced. */
  readonly before: 'whole' | 'missing' | 'broken';
  /** Where it was fetched just now; undefined where nothing had to be. */
  readonly url: string | undefined;
}

/** Slow lines do trickle; a server that is silent for so long has stalled. */
const STALL_MS = 30_000;

/**
 * Brings the files of a model into the store, unless they are there. Nothing is ever under a file's name but the file:
 * all of it, its SHA-256 checked.
 *
 * @throws TaesdError NETWORK, INTEGRITY, TRUNCATED (each place and what was wrong there), ARG (what cannot be read or
 *   written, such as a full disk), UNSUPPORTED (no cache, no WebCrypto)
 */
export async function pullModel(
  variant: Variant,
  parts: readonly Half[],
  options: PullOptions = {},
): Promise<PulledFile[]> {
  const { manifest = MANIFEST, store = await openStore(), from } = options;
  const kept = await readKept(manifest, store, variant, parts);
  const missing = kept.filter(({ state }) => state !== 'whole');
  const total = missing.reduce((sum, { file }) => sum + file.bytes, 0);
  let done = 0;
  const pulled: PulledFile[] = [];
  for (const { file, state, bytes } of kept) {
    const { part, name } = file;
    if (state === 'whole' && bytes !== undefined) {
      pulled.push({ part, name, bytes, before: state, url: undefined });
      continue;
    }
    const places = from === undefined ? file.places.map((place) => new URL(place)) : [from];
    const fetched = await fetchInto(store, file, places, options, (length) =>
      options.onDownload?.({ file: name, done: done + length, total }),
    );
    done += file.bytes;
    pulled.push({ part, name, ...fetched, before: state });
  }
  return pulled;
}

async function fetchInto(
  store: WeightStore,
  file: WantedFile,
  places: readonly URL[],
  { signal, stallMs = STALL_MS }: PullOptions,
  onLength: (length: number) => void,
) {
  const draft = await store.begin(file);
  try {
    const ask = { file, signal, stallMs };
    const got = await downloadFile(ask, places, draft, onLength);
    signal?.throwIfAborted();
    await draft.keep();
    return got;
  } catch (error) {
    await draft.leave();
    throw error;
  }
}
