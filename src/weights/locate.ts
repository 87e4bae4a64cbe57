import { expected, onOneLine, TaesdError } from '../errors.ts';
import { type Part, VARIANTS, type Variant } from '../model/variants.ts';
import type { LoadOptions } from '../options.ts';
import { environmentVariable, isNodeLike } from '../platform.ts';
import { brokenFile, mending, readKept } from './kept.ts';
import type { ModelTensors } from './key-names.ts';
import { MANIFEST } from './manifest-data.ts';
import { type PullOptions, pullModel } from './pull.ts';
import { NotThere, readParts, readSource, weightFileNames } from './read-weights.ts';
import { openStore, type WeightStore } from './store.ts';

/** Weights, whose they are, and where they were found: what `info` says. */
export interface FoundWeights {
  readonly variant: Variant;
  readonly tensors: ModelTensors;
  readonly from: string;
}

/** How weights are looked for: the options of `load`, and for tests the store and the manifest. */
export type LookOptions = Pick<LoadOptions, 'weights' | 'download'> & PullOptions;

/** What is wanted. */
interface Wanted {
  readonly where: string;
  readonly variant: Variant;
  readonly parts: readonly Part[];
}

/** A place that was looked at, and what was there in place of the weights. */
interface LookedAt {
  readonly place: string;
  readonly got: string;
}

/** The environment variable that names the folder where none is given. */
export const FOLDER_VARIABLE = 'TAESD_WEIGHTS';

/**
 * Finds and reads the weights of a model: those that are given, or else those of the first place that has them: the
 * folder that TAESD_WEIGHTS names, the cache of downloaded files, and, if that is allowed, the network. Never those of
 * another model than the named one; where none is named, `taesd`, and if it is nowhere, `nano`, which is in the package.
 *
 * @param named  undefined for none
 * @param parts  the networks that are wanted: from a folder all of them, from a file or bytes those that are there,
 *   at least one
 * @throws TaesdError ARG (not found, naming each place; unreadable), UNSUPPORTED (a .pth), SHAPE (the other network
 *   alone), LIMIT (a file of more than 256 MiB), and what `readSafetensors`, `splitByKeyNames` and `pullModel` throw
 */
export async function locateWeights(
  where: string,
  named: Variant | undefined,
  parts: readonly Part[],
  options: LookOptions = {},
): Promise<FoundWeights> {
  const variant = named ?? VARIANTS.taesd;
  const wanted = { where, variant, parts };
  const { weights } = options;
  if (weights === '') {
    const names = weightFileNames(variant, parts).join(' and ');
    const rule = `a folder or URL that holds ${names}, or the bytes of such files`;
    throw expected('ARG', where, 'weights', rule, '""', 'a variable that is not set?');
  }
  if (weights !== undefined) {
    const tensors = await readSource(where, variant, weights, parts);
    if (tensors instanceof NotThere) throw tensors.error(where);
    const isPlace = typeof weights === 'string' || weights instanceof URL;
    return { variant, tensors, from: isPlace ? `${weights}` : 'given bytes' };
  }
  if (variant === VARIANTS.nano) return inPackage(where, parts);
  const found = await searchWeights(wanted, options);
  if ('tensors' in found) return found;
  if (named === undefined) return inPackage(where, parts);
  throw notFound(wanted, found);
}

/** The small model of the package, as a module: wherever the package's code can be loaded, it can. */
async function inPackage(where: string, parts: readonly Part[]): Promise<FoundWeights> {
  const hint = 'Taesd.load(nano()) with nano from taesd-wasm/nano; in a checkout, "npm run build"';
  try {
    // An address and not a name: bundlers would take the weights into every bundle.
    const url = new URL('../../dist/nano.js', import.meta.url);
    const { nano } = await import(/* @vite-ignore */ url.href);
    const tensors = readParts(where, nano().weights, parts);
    return { variant: VARIANTS.nano, tensors, from: 'the package' };
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = cause instanceof Error ? cause.message : `${cause}`;
    throw expected('ARG', where, 'weights of nano', "the package's nano.js", got, hint, { cause });
  }
}

/** Tries the places in order. @returns the weights, or the places that were looked at */
async function searchWeights(
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
async function inEnvironment({ where, variant, parts }: Wanted): Promise<FoundWeights | LookedAt> {
  const folder = environmentVariable(FOLDER_VARIABLE);
  if (folder === undefined || folder === '') return { place: FOLDER_VARIABLE, got: 'not set' };
  const place = `${FOLDER_VARIABLE} ${folder}`;
  const tensors = await readSource(where, variant, folder, parts);
  if (!(tensors instanceof NotThere)) return { variant, tensors, from: place };
  return { place, got: tensors.got };
}

async function inStore(
  { where, variant, parts }: Wanted,
  options: LookOptions,
): Promise<FoundWeights | LookedAt> {
  const { store = await openStore(), manifest = MANIFEST } = options;
  const kept = await readKept(where, manifest, store, variant, parts);
  const broken = kept.find(({ state }) => state === 'broken');
  if (broken !== undefined) throw brokenFile(where, store, variant, broken);
  const { place } = store;
  const missing = kept.filter(({ state }) => state === 'missing').map(({ file }) => file.name);
  if (missing.length > 0) {
    const isNone = missing.length === kept.length && kept.length > 1;
    return { place, got: isNone ? 'neither' : `no ${missing.join(' and no ')}` };
  }
  const files = kept.map(({ file, bytes }) => ({ ...file, bytes }));
  return { variant, tensors: readFiles(where, store, files, parts), from: place };
}

/** What the cache has not is fetched into it. */
async function onNetwork(
  { where, variant, parts }: Wanted,
  options: LookOptions,
): Promise<FoundWeights> {
  const { store = await openStore() } = options;
  const pulled = await pullModel(where, variant, parts, { ...options, store });
  const urls = pulled.map(({ url }) => url).filter((url) => url !== undefined);
  const fetched = urls.length > 0 ? `, fetched from ${urls.join(' and ')}` : '';
  const from = `${store.place}${fetched}`;
  return { variant, tensors: readFiles(where, store, pulled, parts), from };
}

function readFiles(
  where: string,
  store: WeightStore,
  files: readonly { part: Part; name: string; bytes: Uint8Array | undefined }[],
  parts: readonly Part[],
): ModelTensors {
  const bytes = files.map((file) => [file.part, file.bytes] as const);
  const wheres = files.map(({ part, name }) => [part, `${where} ${store.pathOf(name)}`] as const);
  return readParts(where, Object.fromEntries(bytes), parts, Object.fromEntries(wheres));
}

/** The places may be long: each is shortened for itself, not all of them together. */
function notFound({ where, variant, parts }: Wanted, lookedAt: readonly LookedAt[]): TaesdError {
  const names = weightFileNames(variant, parts).join(' and ');
  const places = lookedAt.map(({ place, got }) => `${onOneLine(place)} (${onOneLine(got)})`);
  const folder = isNodeLike() ? 'weights (--weights DIR)' : 'weights';
  const remedy = isNodeLike() ? mending(variant) : 'the option download: true';
  const hint = `${remedy} fetches them, the option ${folder} gives them`;
  const got = `none in ${places.join(', ')}`;
  const text = `"weights of ${variant.name}" expected ${names}, got ${got} (${hint})`;
  return new TaesdError('ARG', `${where}: ${text}`);
}
