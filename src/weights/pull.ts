import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import type { DownloadProgress } from '../options/types.ts';
import type { Manifest, WantedFile } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import { downloadFile } from './mirrors.ts';
import { openStore } from './open-store.ts';
import { readCached } from './read-cached.ts';
import type { WeightStore } from './store.ts';

/** The options of `pullModel`. */
export interface PullOptions {
  /** The files to have. Defaults to weights/manifest.json. */
  readonly manifest?: Manifest;
  /** Defaults to the store of this runtime. */
  readonly store?: WeightStore;
  /** The one folder to download from. Defaults to the manifest's mirrors. */
  readonly from?: URL;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends the work with its reason. The bytes downloaded so far are left for the next pull. */
  readonly signal?: AbortSignal | undefined;
  /** The time after which a silent server is given up. Defaults to 30 seconds. */
  readonly stallMs?: number;
}

/** A file that is now in the store. */
export interface PulledFile {
  readonly half: Half;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file's state before. A `broken` file was replaced. */
  readonly before: 'whole' | 'missing' | 'broken';
  /** The address of this download; undefined if nothing was downloaded. */
  readonly url: string | undefined;
}

/** Slow lines still trickle. A server that sends nothing for so long has stalled. */
const STALL_MS = 30_000;

/**
 * Downloads the files of a model that the store lacks. A file gets its name only when it is whole
 * and its SHA-256 is checked.
 *
 * @throws TaesdError NETWORK, INTEGRITY, TRUNCATED (naming each mirror and its fault), ARG
 *   (unreadable or unwritable, such as a full disk), UNSUPPORTED (no cache, no WebCrypto)
 */
export async function pullModel(
  variant: Variant,
  halves: readonly Half[],
  options: PullOptions = {},
): Promise<PulledFile[]> {
  const { manifest = MANIFEST, store = await openStore(), from } = options;
  const cached = await readCached(manifest, store, variant, halves);
  const missing = cached.filter(({ state }) => state !== 'whole');
  const total = missing.reduce((sum, { file }) => sum + file.bytes, 0);
  let done = 0;
  const pulled: PulledFile[] = [];
  for (const { file, state, bytes } of cached) {
    const { half, name } = file;
    if (state === 'whole' && bytes !== undefined) {
      pulled.push({ half, name, bytes, before: state, url: undefined });
      continue;
    }
    const mirrors = from === undefined ? file.mirrors.map((mirror) => new URL(mirror)) : [from];
    const fetched = await fetchInto(store, file, mirrors, options, (length) =>
      options.onDownload?.({ file: name, done: done + length, total }),
    );
    done += file.bytes;
    pulled.push({ half, name, ...fetched, before: state });
  }
  return pulled;
}

async function fetchInto(
  store: WeightStore,
  file: WantedFile,
  mirrors: readonly URL[],
  { signal, stallMs = STALL_MS }: PullOptions,
  onLength: (length: number) => void,
) {
  const draft = await store.begin(file);
  try {
    const got = await downloadFile({ file, signal, stallMs }, mirrors, draft, onLength);
    signal?.throwIfAborted();
    await draft.keep();
    return got;
  } catch (error) {
    await draft.leave();
    throw error;
  }
}
