import { throwIfAborted } from '../builtins/newer.ts';
import type { TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import type { DownloadProgress } from '../options/types.ts';
import { urlInFolder } from '../platform/locations.ts';
import { type Manifest, maxBytesOf, type WantedFile } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import { downloadFile, mirrorFaults, together } from './mirrors.ts';
import { openStore } from './open-store.ts';
import { type CachedModel, readCached } from './read-cached.ts';
import { NoSuchFile } from './request.ts';
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
  /** The limit of a file whose size the manifest does not know. Defaults to 64 MiB. */
  readonly maxBytes?: number;
}

/** A file that is now in the store. */
export interface PulledFile {
  /** The wanted halves that it holds. */
  readonly halves: readonly Half[];
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
 * and its SHA-256 is checked. If the mirrors of an alternative fail, the next one is tried. Files
 * whose SHA-256 is not known are left out: `unknownFiles` names them.
 *
 * @throws TaesdError NETWORK, INTEGRITY, TRUNCATED, LIMIT (naming each mirror and its fault), ARG
 *   (unreadable or unwritable, such as a full disk), UNSUPPORTED (no cache, no WebCrypto)
 */
export async function pullModel(
  variant: Variant,
  halves: readonly Half[],
  options: PullOptions = {},
): Promise<PulledFile[]> {
  const { manifest = MANIFEST, store = await openStore() } = options;
  const failures: TaesdError[] = [];
  for (const cached of await readCached(manifest, store, variant, halves)) {
    try {
      return await pullFiles(cached, store, options);
    } catch (error) {
      failures.push(...mirrorFaults(error));
    }
  }
  throw together(failures);
}

/** Downloads the files of one alternative that the store lacks. */
async function pullFiles(
  { files }: CachedModel,
  store: WeightStore,
  options: PullOptions,
): Promise<PulledFile[]> {
  const total = files
    .filter(({ state }) => state !== 'whole')
    .reduce<number | undefined>((sum, { file }) => plus(sum, file.bytes), 0);
  let done = 0;
  const pulled: PulledFile[] = [];
  for (const cached of files) {
    const { file, state } = cached;
    const { halves, name } = file;
    if (cached.state === 'whole') {
      pulled.push({ halves, name, bytes: cached.bytes, before: 'whole', url: undefined });
      continue;
    }
    const fetched = await fetchInto(store, file, options, (length) =>
      options.onDownload?.({ file: name, done: done + length, total }),
    );
    done += fetched.bytes.length;
    // A lenient store downloads although the name is blocked.
    const before = state === 'blocked' ? 'missing' : state;
    pulled.push({ halves, name, ...fetched, before });
  }
  return pulled;
}

const plus = (sum: number | undefined, bytes: number | null): number | undefined =>
  sum === undefined || bytes === null ? undefined : sum + bytes;

async function fetchInto(
  store: WeightStore,
  file: WantedFile,
  { from, signal, stallMs = STALL_MS, maxBytes = maxBytesOf(file) }: PullOptions,
  onLength: (length: number) => void,
) {
  const draft = await store.begin(file);
  try {
    const request = { file, signal, stallMs, maxBytes };
    const addresses = addressesOf(file, from);
    const got = await downloadFile(request, addresses, draft, onLength).catch((error) => {
      throw from === undefined ? error : faultOf(mirrorFaults(error));
    });
    throwIfAborted(signal);
    await draft.keep();
    return got;
  } catch (error) {
    await draft.leave();
    throw error;
  }
}

/** Returns the fault of a folder that may have a file by two names: that of one that is there. */
const faultOf = (faults: readonly TaesdError[]): TaesdError =>
  faults.find((fault) => !(fault instanceof NoSuchFile)) ?? faults[0];

/** Returns a file's addresses. A folder of the user's may have it by either name. */
function addressesOf({ name, path = name, mirrors }: WantedFile, from: URL | undefined): URL[] {
  if (from === undefined) return mirrors.map((mirror) => urlInFolder(new URL(mirror), path));
  return [...new Set([name, path])].map((one) => urlInFolder(from, one));
}
