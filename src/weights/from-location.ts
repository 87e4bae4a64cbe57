import { type ErrorDetails, expected, inside, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { encoderOf, hasHalf, type Variant } from '../model/variants.ts';
import { fileExists, folderExists, urlInFolder, urlOf } from '../platform/locations.ts';
import { readUrl } from '../platform/read-url.ts';
import { readFiles, readOneFile } from './from-bytes.ts';
import { isFetched, type ManifestFile } from './manifest.ts';
import { MANIFEST } from './manifest-data.ts';
import type { ModelTensors } from './weight-file.ts';

/** The endings of the file of a half in a folder. The first that is there is read. */
const ENDINGS = ['.safetensors', '.pth'];

/**
 * Returns the usual names of a model's files in a folder of weights: those of its source. A decoder
 * alone has the encoder of its space's TAESD beside it, if any.
 */
function weightFileNames(variant: Variant, halves: readonly Half[]): string[] {
  return halves.map((half) => {
    const name = half === 'encoder' ? encoderOf(variant) : variant.name;
    const [first] = isFetched(name) ? MANIFEST.models[name] : [];
    return first !== undefined && half in first
      ? (first as Record<Half, ManifestFile>)[half].name
      : `${name}_${half}${ENDINGS[0]}`;
  });
}

/** Returns the names of files in words. A model whose halves are in one file has one. */
export function weightFileWords(variant: Variant, halves: readonly Half[]): string {
  const [first] = isFetched(variant.name) ? MANIFEST.models[variant.name] : [];
  if (first !== undefined && 'both' in first) return first.both.name;
  return weightFileNames(variant, halves).join(' and ');
}

/** The result for a location without the weights. The caller decides whether that is an error. */
export class Absent {
  /** The content found instead, with the likely cause if it helps. */
  readonly got: string;
  /** True if there is no folder of this name: nothing, or a file that is not one of weights. */
  readonly isNowhere: boolean;
  /** Makes the error, if this is one. */
  readonly error: () => TaesdError;

  constructor(
    location: string | URL,
    rule: string,
    got: string,
    { hint, isNowhere = false }: ErrorDetails & { readonly isNowhere?: boolean } = {},
  ) {
    this.isNowhere = isNowhere;
    this.got = hint === undefined || hint === OTHER ? got : `${got}: ${hint}`;
    this.error = () => expected('ARG', `${location}`, rule, got, { hint });
  }
}

const OTHER = 'another model, or another folder?';

/**
 * Reads the weights of a model from the location the caller gave.
 *
 * @throws TaesdError ARG (unreadable, nothing there), SHAPE (only the other half), LIMIT (a file of
 *   more than 256 MiB), and the errors of `readWeightFile` and `splitByKeyNames`
 */
export async function readGivenLocation(
  variant: Variant,
  location: string | URL,
  halves: readonly Half[],
  signal?: AbortSignal,
): Promise<ModelTensors> {
  if (location === '') {
    const names = weightFileWords(variant, halves);
    const rule = `a folder or URL that holds ${names}, or the bytes of such files`;
    throw expected('ARG', 'weights', rule, '""', { hint: 'a variable that is not set?' });
  }
  const tensors = await readLocation(variant, location, halves, signal);
  if (tensors instanceof Absent) throw tensors.error();
  return tensors;
}

/** Like `readGivenLocation`, but returns `Absent` if the weights are not there. */
export async function readLocation(
  variant: Variant,
  location: string | URL,
  halves: readonly Half[],
  signal?: AbortSignal,
): Promise<ModelTensors | Absent> {
  const url = urlOf('weights', location);
  return FILE.test(url.pathname)
    ? readFile({ given: location, url, signal }, variant, halves)
    : readFolder({ given: location, url, signal }, variant, halves);
}

/** The endings of files of weights. Their bytes decide how they are read. */
const FILE = /\.(?:safetensors|sft|pth|pt|ckpt|bin)$/i;

/** A location that is read. */
interface Location {
  /** The location in the caller's words: a folder's path stays a path. */
  readonly given: string | URL;
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}

/** Reads a file of both networks or of one. */
async function readFile(
  { given, url, signal }: Location,
  variant: Variant,
  halves: readonly Half[],
): Promise<ModelTensors | Absent> {
  const bytes = await readUrl(url, { signal });
  if (bytes === undefined) {
    const isNowhere = url.protocol === 'file:';
    return new Absent(given, 'a file or a folder', 'no such file', { isNowhere });
  }
  return inside(`${given}`, () => readOneFile(bytes, variant, halves));
}

/** A file of a folder. */
interface FoundFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function readFolder(
  folder: Location,
  variant: Variant,
  halves: readonly Half[],
): Promise<ModelTensors | Absent> {
  const names = weightFileNames(variant, halves);
  const reads = names.map((name) => {
    const either = ENDINGS.map((ending) => name.replace(FILE, ending));
    return readFirst(folder, either);
  });
  // Waits for all, so that the error does not depend on which of them fails first.
  const found = (await Promise.allSettled(reads)).map((read) => {
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  });
  const whole = found.includes(undefined)
    ? await readFirst(
        folder,
        ENDINGS.map((ending) => `${variant.name}${ending}`),
      )
    : undefined;
  const files = found.map((file) => file ?? whole);
  const mayLack = (half: Half) => halves.length > 1 && !hasHalf(variant, half);
  const missing = names.filter((_, i) => files[i] === undefined && !mayLack(halves[i]));
  if (missing.length > 0) return absentFiles(folder, names, missing);
  const each = halves.flatMap((half, i) => {
    const file = files[i];
    return file === undefined ? [] : [[half, file] as const];
  });
  const bytes = each.map(([half, file]) => [half, file.bytes] as const);
  const paths = each.map(([half, { name }]) => [half, pathInFolder(folder, name)] as const);
  return readFiles(Object.fromEntries(bytes), variant, halves, Object.fromEntries(paths));
}

/** Reads the first of these files that the folder has. */
async function readFirst(
  { url, signal }: Location,
  names: readonly string[],
): Promise<FoundFile | undefined> {
  for (const name of names) {
    const bytes = await readUrl(urlInFolder(url, name), { signal });
    if (bytes !== undefined) return { name, bytes };
  }
  return undefined;
}

/** Returns the path or URL of a file in a folder, for messages. */
function pathInFolder({ given, url }: Location, name: string): string {
  const isPath = url.protocol === 'file:' && !/^file:/i.test(`${given}`);
  return isPath ? `${given}`.replace(/[/\\]?$/, `/${name}`) : urlInFolder(url, name).href;
}

/**
 * Returns the reason why a location can hold no weights, whatever their names: it is nothing, or a
 * file that is not one of weights. Returns undefined for a folder, for a file that exists and has
 * an ending of weights, and for an address of the web, which is not requested.
 *
 * @param rule  the right content, for the error
 */
export async function nothingAt(given: string | URL, rule: string): Promise<Absent | undefined> {
  const url = urlOf('weights', given);
  if (url.protocol !== 'file:' || (await folderExists(url))) return undefined;
  const nowhere = (got: string, hint?: string) =>
    new Absent(given, rule, got, { hint, isNowhere: true });
  const isNamed = FILE.test(url.pathname);
  if (!(await fileExists(url))) return nowhere(`no such ${isNamed ? 'file' : 'folder'}`);
  if (isNamed) return undefined;
  return nowhere('a file', 'give its folder, or a file that ends in .safetensors or .pth');
}

/** Names, in the order of `names`, the files a folder lacks, and what the folder has instead. */
async function absentFiles(
  { given }: Location,
  names: readonly string[],
  missing: readonly string[],
): Promise<Absent> {
  const rule = `a folder that holds ${names.join(' and ')}`;
  const nothing = await nothingAt(given, rule);
  if (nothing !== undefined) return nothing;
  const none = names.length === 1 ? 'no such file' : 'neither';
  const got = missing.length === names.length ? none : `no ${missing.join(' and no ')}`;
  return new Absent(given, rule, got, { hint: OTHER });
}
