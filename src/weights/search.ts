import { onOneLine, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { environmentVariable, isNodeLike } from '../platform/runtime.ts';
import { brokenFile, pullRemedy, readKept } from './cached.ts';
import { readParts } from './from-bytes.ts';
import { NotThere, readPlace, weightFileNames } from './from-place.ts';
import type { ModelTensors } from './key-names.ts';
import type { FoundWeights, LookOptions } from './locate.ts';
import { MANIFEST } from './manifest-data.ts';
import { openStore, type WeightStore } from './store.ts';

/*
 * Where weights are looked for that nobody has given: the folder that TAESD_WEIGHTS names, the cache, the network.
 */

/** What is wanted. */
interface Wanted {
  readonly variant: Variant;
  readonly parts: readonly Half[];
}

/** A place that was looked at, and what was there in place of the weights. */
interface LookedAt {
  readonly place: string;
  readonly got: string;
}

/** The environment variable that names the folder where none is given. */
export const FOLDER_VARIABLE = 'TAESD_WEIGHTS';

/** Tries the places in order. @returns the weights, or the places that were looked at */
export async function searchWeights(
  wanted: Wanted,
  options: LookOptions,
): Promise<FoundWeights | readonly LookedAt[]> {
  const places = [
    ...(isNodeLike() ? [inEnvironment] : []),
    options.download === true ? onNetwork : inStore,
  ];
  const lookedAt: LookedAt[] = [];
  for (const look of places) {
    const found = await look(wanted, options);
    if ('tensors' in found) return found;
    lookedAt.push(found);
  }
  return lookedAt;
}

/** A folder that lacks the model is passed over: it may be that of other programs, with other models. */
async function inEnvironment(
  { variant, parts }: Wanted,
  { signal }: LookOptions,
): Promise<FoundWeights | LookedAt> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder === undefined || folder === '') return { place: FOLDER_VARIABLE, got: 'not set' };
  const place = `${FOLDER_VARIABLE} ${folder}`;
  const tensors = await readPlace(variant, folder, parts, signal);
  if (!(tensors instanceof NotThere)) return { variant, tensors, from: place };
  return { place, got: tensors.got };
}

async function inStore(
  { variant, parts }: Wanted,
  options: LookOptions,
): Promise<FoundWeights | LookedAt> {
  const { manifest = MANIFEST } = options;
  const opened = options.store ?? (await openStore().catch(asReason));
  if (typeof opened === 'string') return { place: 'cache', got: opened };
  const store = opened;
  const kept = await readKept(manifest, store, variant, parts);
  const broken = kept.find(({ state }) => state === 'broken');
  if (broken !== undefined) throw brokenFile(store, variant, broken);
  const { place } = store;
  const missing = kept.filter(({ state }) => state === 'missing').map(({ file }) => file.name);
  if (missing.length > 0) {
    const isNone = missing.length === kept.length && kept.length > 1;
    return { place, got: isNone ? 'neither' : `no ${missing.join(' and no ')}` };
  }
  const files = kept.map(({ file, bytes }) => ({ ...file, bytes }));
  return { variant, tensors: readFiles(store, files, parts), from: place };
}

/** A cache that nobody may ask for has nothing. */
function asReason(error: unknown): string {
  if (error instanceof TaesdError) return error.message;
  throw error;
}

/** What the cache has not is fetched into it. */
async function onNetwork({ variant, parts }: Wanted, options: LookOptions): Promise<FoundWeights> {
  const { store = await openStore() } = options;
  const { pullModel } = await import('./pull.ts');
  const pulled = await pullModel(variant, parts, { ...options, store });
  const urls = pulled.map(({ url }) => url).filter((url) => url !== undefined);
  const fetched = urls.length > 0 ? `, fetched from ${urls.join(' and ')}` : '';
  const from = `${store.place}${fetched}`;
  return { variant, tensors: readFiles(store, pulled, parts), from };
}

function readFiles(
  store: WeightStore,
  files: readonly { part: Half; name: string; bytes: Uint8Array | undefined }[],
  parts: readonly Half[],
): ModelTensors {
  const bytes = files.map((file) => [file.part, file.bytes] as const);
  const paths = files.map(({ part, name }) => [part, store.pathOf(name)] as const);
  return readParts(Object.fromEntries(bytes), parts, Object.fromEntries(paths));
}

/** The error for what is in none of these places. They may be long: each is shortened for itself, not all together. */
export function notFound({ variant, parts }: Wanted, lookedAt: readonly LookedAt[]): TaesdError {
  const names = weightFileNames(variant, parts).join(' and ');
  const places = lookedAt.map(({ place, got }) => `${onOneLine(place)} (${onOneLine(got)})`);
  const { api, command } = pullRemedy(variant);
  const fetches = isNodeLike() ? api : 'the option download: true';
  const remedy = {
    api: `${fetches} fetches them, the option weights gives them`,
    command: `${command} fetches them, --weights DIR gives them`,
  };
  const text = `"weights of ${variant.name}" expected ${names}, got none in ${places.join(', ')}`;
  return new TaesdError('ARG', text, { remedy });
}
