import { expected, onOneLine, TaesdError, withoutPasswords } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import {
  encodingRemedy,
  hasHalf,
  isNano,
  type NanoName,
  nanoOf,
  VARIANTS,
  type Variant,
} from '../model/variants.ts';
import { lazily } from '../platform/lazily.ts';
import { environmentVariable, isNodeLike } from '../platform/runtime.ts';
import { unusedProxies } from '../platform/unused-proxies.ts';
import type { FoundWeights, LookOptions } from './found.ts';
import { readFiles } from './from-bytes.ts';
import { Absent, readLocation, weightFileWords } from './from-location.ts';
import { inPackage } from './in-package.ts';
import { openLenientStore } from './lenient-store.ts';
import { unknownFiles } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import { brokenFile, type CachedAs, pullRemedy, readCached, unknownRemedy } from './read-cached.ts';
import type { WeightStore } from './store.ts';
import type { ModelTensors } from './weight-file.ts';

/*
 * The search for weights that the caller did not give: the folder that TAESD_WEIGHTS names, the
 * cache, the network, and for the small models the package.
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
  /** A sentence for `info`, if the location refused to be read. */
  readonly note?: string | undefined;
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
  if (named !== undefined && isNano(named.name)) {
    checkNano(named, halves);
    return inPackage(named.name, halves);
  }
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
  const found = await inPackage('nano', halves);
  const notes = lookedAt.flatMap(({ note }) => note ?? []);
  if (!isNanoSaid) warnOfNano(notes);
  return notes.length > 0 ? { ...found, note: notes.join('; ') } : found;
}

/** @throws TaesdError ARG (the encoder of a small model that is a decoder alone) */
function checkNano(variant: Variant, halves: readonly Half[]): void {
  const remedy = encodingRemedy(variant);
  if (remedy === undefined || halves.includes('decoder')) return;
  throw expected('ARG', 'encoder', 'a model that has one', variant.name, { remedy });
}

/** True once it was said that `nano` takes the place of `taesd`. */
let isNanoSaid = false;

/** Keeps `locateWeights` from saying it: for programs that say it in words of their own. */
export function nanoIsSaid(): void {
  isNanoSaid = true;
}

/** Says it once for the whole program: a softer picture is hard to explain without it. */
function warnOfNano(notes: readonly string[]): void {
  nanoIsSaid();
  const fetches = fetching(VARIANTS.taesd);
  const why = notes.map((note) => ` (${note})`).join('');
  globalThis.console?.warn(
    `taesd-wasm: found no weights of taesd${why}. Using nano, whose pictures are softer. ` +
      `To get taesd: ${fetches}. To keep nano: the option model: 'nano'. Either ends this warning.`,
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
  const location = `${FOLDER_VARIABLE} ${withoutPasswords(folder)}`;
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
  const store = await openLenientStore(options.store);
  const cached = await readCached(manifest, store, variant, halves);
  const [{ files: found, unknown, isWhole }] = cached;
  const { location, unread, note } = store;
  if (!isWhole) {
    const all = cached.flatMap(({ files }) => files);
    const broken = all.find((one) => one.state === 'broken');
    if (broken !== undefined) throw brokenFile(store, variant, broken);
    const blocked = all.find((one) => one.state === 'blocked');
    if (blocked !== undefined) return blockedBy(blocked, location);
    const absent = found.filter(({ state }) => state === 'missing').map(({ file }) => file.name);
    const missing = [...absent, ...unknown];
    if (unread !== undefined) return { location, got: unread, note };
    const isNone = missing.length === found.length + unknown.length && missing.length > 1;
    return { location, got: isNone ? 'neither' : `no ${missing.join(' and no ')}` };
  }
  const whole = found.filter((one) => one.state === 'whole');
  const files = whole.map(({ file, bytes }) => ({ ...file, bytes }));
  return { variant, tensors: await readStored(store, files, wanted), from: location };
}

/** Returns what a cache has that cannot keep a file, because its name leads to another thing. */
function blockedBy({ file, got }: CachedAs<'blocked'>, location: string): LookedAt {
  const words = `${file.name} is ${got}`;
  return { location, got: words, note: `${location} cannot be read: ${words}` };
}

/** Looks in the cache, and downloads into it what it lacks. */
async function onNetwork(wanted: Wanted, options: LookOptions): Promise<FoundWeights> {
  const { variant, halves } = wanted;
  const { manifest = MANIFEST } = options;
  const unknown = unknownFiles(manifest, variant, halves);
  if (unknown.length > 0) {
    const rule = 'a known SHA-256, to check what is downloaded';
    const remedy = { api: 'the option weights gives the file' };
    throw expected('UNSUPPORTED', unknown.join(' and '), rule, 'none', { remedy });
  }
  const { pullModel } = await lazily(() => import('./pull.ts'));
  const store = await openLenientStore(options.store);
  const pulled = await pullModel(variant, halves, { ...options, store }).catch(aboutProxies);
  const urls = pulled.map(({ url }) => url).filter((url) => url !== undefined);
  const fetched = urls.length > 0 ? [`fetched from ${urls.join(' and ')}`] : [];
  const from = [...(store.unkept === undefined ? [store.location] : []), ...fetched].join(', ');
  const { note } = store;
  return { variant, tensors: await readStored(store, pulled, wanted), from, note };
}

/** Adds the ways around to an error of the network. */
function aboutProxies(error: unknown): never {
  if (!(error instanceof TaesdError) || error.code !== 'NETWORK') throw error;
  const { code, sentence, cause } = error;
  const api = `the option weights gives another folder or address${unusedProxies()}`;
  throw new TaesdError(code, sentence, { cause, remedy: { api } });
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

/** Returns the sentences about the small model of a space. */
function needsNone(small: NanoName, halves: readonly Half[]): readonly [api: string, cli: string] {
  const isAlone = !hasHalf(VARIANTS[small], 'encoder');
  if (isAlone && !halves.includes('decoder')) return ['', ''];
  const words = isAlone ? 'needs none to decode' : 'needs none';
  return [`, model: '${small}' ${words}`, `, --model ${small} ${words}`];
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
  const small = nanoOf(variant);
  const [api, byCommand] = small === undefined ? ['', ''] : needsNone(small, halves);
  const fetches = {
    api: `${fetching(variant)} fetches them, the option weights gives them${api}`,
    command: `${command} fetches them, --weights DIR gives them${byCommand}`,
  };
  const remedy = unknown.length > 0 ? unknownRemedy(unknown) : fetches;
  const text = `"weights of ${variant.name}" expected ${names}, got none in ${got.join(', ')}`;
  return new TaesdError('ARG', text, { remedy });
}
