import { expected, messageOf, onOneLine, TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { VARIANTS, type Variant } from '../model/variants.ts';
import { environmentVariable, isNodeLike } from '../platform/runtime.ts';
import type { FoundWeights, LookOptions } from './found.ts';
import { readFiles } from './from-bytes.ts';
import { Absent, readLocation, weightFileWords } from './from-location.ts';
import { unknownFiles } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import { openStore } from './open-store.ts';
import { brokenFile, pullRemedy, readCached, unknownRemedy } from './read-cached.ts';
import type { WeightStore } from './store.ts';
import type { ModelTensors } from './weight-file.ts';

/*
 * The search for weights that the caller did not give: the folder that TAESD_WEIGHTS names, the
 * cache, the network, and for `nano` the package.
 */

/** The weights that are looked for. */
interface Wanted {
  readonly variant: Variant;
  readonly halves: readonly Half[];
}

/** A location without the weights, and what it has instead. */
interface LookedAt {
  readonly location: string;
  readonly got: string;
}

/** The environment variable that names a folder of weights. */
export const FOLDER_VARIABLE = 'TAESD_WEIGHTS';

/**
 * Finds and reads the weights of a model in the first location that has them: the folder that
 * TAESD_WEIGHTS names, the cache of downloaded files, and, if downloads are allowed, the network.
 *
 * A named model is never replaced by another. Without a name it is `taesd`, or `nano`, which is in
 * the package, if `taesd` is not found.
 *
 * @param named  the model the caller named, if any
 * @throws TaesdError ARG (not found, naming each location; unreadable), INTEGRITY (a damaged file
 *   in the cache), and the errors of `readSafetensors`, `splitByKeyNames` and `pullModel`
 */
export async function locateWeights(
  named: Variant | undefined,
  halves: readonly Half[],
  options: LookOptions,
): Promise<FoundWeights> {
  if (named === VARIANTS.nano) return inPackage(halves);
  const wanted = { variant: named ?? VARIANTS.taesd, halves };
  const steps = [
    ...(isNodeLike() ? [inEnvironment] : []),
    options.download === true ? onNetwork : inCache,
  ];
  const lookedAt: LookedAt[] = [];
  for (const look of steps) {
    const found = await look(wanted, options);
    if ('tensors' in found) return found;
    lookedAt.push(found);
  }
  if (named !== undefined) throw notFound(wanted, lookedAt, options);
  const found = await inPackage(halves);
  if (!isNanoSaid) warnOfNano();
  return found;
}

/** True once it was said that `nano` takes the place of `taesd`. */
let isNanoSaid = false;

/** Keeps `locateWeights` from saying it: for programs that say it in words of their own. */
export function nanoIsSaid(): void {
  isNanoSaid = true;
}

/** Says it once for the whole program: a softer picture is hard to explain without it. */
function warnOfNano(): void {
  nanoIsSaid();
  const fetches = fetching(VARIANTS.taesd);
  globalThis.console?.warn(
    'taesd-wasm: no weights of taesd were found, so nano works in its place. It is softer. ' +
      `${fetches} fetches taesd, the option model: 'nano' keeps nano; both silence this.`,
  );
}

/** Returns the ways to download a model in this runtime. */
const fetching = (variant: Variant): string =>
  isNodeLike() ? pullRemedy(variant).api : 'the option download: true';

/**
 * Looks in the folder of the environment variable. A folder that lacks the model is passed over: it
 * may be that of other programs, with other models.
 *
 * @throws TaesdError ARG (there is no such folder or file)
 */
async function inEnvironment(
  { variant, halves }: Wanted,
  { signal }: LookOptions,
): Promise<FoundWeights | LookedAt> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder === undefined || folder === '') return { location: FOLDER_VARIABLE, got: 'not set' };
  const location = `${FOLDER_VARIABLE} ${folder}`;
  const tensors = await readLocation(variant, folder, halves, signal);
  if (tensors instanceof Absent) {
    if (tensors.isNowhere) throw nowhere(tensors);
    return { location, got: tensors.got };
  }
  return { variant, tensors, from: location };
}

/** Makes the error for a variable that names no folder: it is mistyped, and no other will do. */
export function nowhere(absent: Absent): TaesdError {
  const { code, sentence } = absent.error();
  return new TaesdError(code, `${FOLDER_VARIABLE}: ${sentence}`);
}

async function inCache(wanted: Wanted, options: LookOptions): Promise<FoundWeights | LookedAt> {
  const { variant, halves } = wanted;
  const { manifest = MANIFEST } = options;
  const store = options.store ?? (await openStore().catch(asReason));
  if (typeof store === 'string') return { location: 'cache', got: store };
  const cached = await readCached(manifest, store, variant, halves);
  const [{ files: found, unknown, isWhole }] = cached;
  const { location } = store;
  if (!isWhole) {
    const all = cached.flatMap(({ files }) => files);
    const broken = all.find(({ state }) => state === 'broken');
    if (broken !== undefined) throw brokenFile(store, variant, broken);
    const absent = found.filter(({ state }) => state === 'missing').map(({ file }) => file.name);
    const missing = [...absent, ...unknown];
    const isNone = missing.length === found.length + unknown.length && missing.length > 1;
    return { location, got: isNone ? 'neither' : `no ${missing.join(' and no ')}` };
  }
  const files = found.map(({ file, bytes }) => ({ ...file, bytes }));
  return { variant, tensors: await readStored(store, files, wanted), from: location };
}

/** A cache that we may not access (Deno without permission) counts as empty, for this reason. */
function asReason(error: unknown): string {
  if (error instanceof TaesdError) return error.sentence;
  throw error;
}

/** Looks in the cache, and downloads into it what it lacks. */
async function onNetwork(wanted: Wanted, options: LookOptions): Promise<FoundWeights> {
  const { variant, halves } = wanted;
  const { manifest = MANIFEST, store = await openStore() } = options;
  const unknown = unknownFiles(manifest, variant, halves);
  if (unknown.length > 0) {
    const rule = 'a known SHA-256, to check what is downloaded';
    const remedy = { api: 'the option weights gives the file' };
    throw expected('UNSUPPORTED', unknown.join(' and '), rule, 'none', { remedy });
  }
  const { pullModel } = await import('./pull.ts');
  const pulled = await pullModel(variant, halves, { ...options, store });
  const urls = pulled.map(({ url }) => url).filter((url) => url !== undefined);
  const fetched = urls.length > 0 ? `, fetched from ${urls.join(' and ')}` : '';
  const from = `${store.location}${fetched}`;
  return { variant, tensors: await readStored(store, pulled, wanted), from };
}

/** Reads the content of a store's files, which errors name by their paths in the store. */
function readStored(
  store: WeightStore,
  files: readonly { halves: readonly Half[]; name: string; bytes: Uint8Array | undefined }[],
  { variant, halves }: Wanted,
): Promise<ModelTensors> {
  const each = files.flatMap((file) => file.halves.map((half) => [half, file] as const));
  const bytes = each.map(([half, file]) => [half, file.bytes] as const);
  const paths = each.map(([half, { name }]) => [half, store.pathOf(name)] as const);
  return readFiles(Object.fromEntries(bytes), variant, halves, Object.fromEntries(paths));
}

/** Reads the small model of the package: a module, so it loads wherever the package's code does. */
async function inPackage(halves: readonly Half[]): Promise<FoundWeights> {
  const command = 'in a checkout, "npm run build"';
  const remedy = { api: `Taesd.load(nano()) with nano from taesd-wasm/nano; ${command}`, command };
  try {
    // An address and not a name: bundlers would take the weights into every bundle.
    const url = new URL('../../dist/nano.js', import.meta.url);
    const { nano } = await import(/* @vite-ignore */ /* webpackIgnore: true */ url.href);
    const variant = VARIANTS.nano;
    const tensors = await readFiles(nano().weights, variant, halves);
    return { variant, tensors, from: 'the package' };
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('ARG', 'weights of nano', "the package's nano.js", got, { remedy, cause });
  }
}

/**
 * Makes the error for weights that none of these locations has. Locations may be long: each is
 * shortened by itself, so that all are named.
 */
function notFound(
  { variant, halves }: Wanted,
  lookedAt: readonly LookedAt[],
  { manifest = MANIFEST }: LookOptions,
): TaesdError {
  const names = weightFileWords(variant, halves);
  const got = lookedAt.map((one) => `${onOneLine(one.location)} (${onOneLine(one.got)})`);
  const unknown = unknownFiles(manifest, variant, halves);
  const { command } = pullRemedy(variant);
  const isOfNano = variant.space === VARIANTS.nano.space;
  const [api, byCommand] = isOfNano
    ? [", model: 'nano' needs none", ', --model nano needs none']
    : ['', ''];
  const fetches = {
    api: `${fetching(variant)} fetches them, the option weights gives them${api}`,
    command: `${command} fetches them, --weights DIR gives them${byCommand}`,
  };
  const remedy = unknown.length > 0 ? unknownRemedy(unknown) : fetches;
  const text = `"weights of ${variant.name}" expected ${names}, got none in ${got.join(', ')}`;
  return new TaesdError('ARG', text, { remedy });
}
