import { type ErrorDetails, expected, inside, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { fileExists, folderExists, urlInFolder, urlOf } from '../platform/locations.ts';
import { readUrl } from '../platform/read-url.ts';
import { CONVERT_PTH } from '../safetensors/foreign-file.ts';
import { readFiles, readOneFile } from './from-bytes.ts';
import type { ModelTensors } from './key-names.ts';

/** Returns the names of a model's files in a folder of weights. */
export const weightFileNames = ({ name }: Variant, halves: readonly Half[]) =>
  halves.map((half) => `${name}_${half}.safetensors`);

/** The result for a location without the weights. The caller decides whether that is an error. */
export class Absent {
  /** The content found instead, with the likely cause if it helps. */
  readonly got: string;
  /** True if there is no folder of this name: nothing, or a file that is not one of weights. */
  readonly isNowhere: boolean;
  /** Makes the error, if this is one. */
  readonly error: () => TaesdError;

  constructor(
    code: 'ARG' | 'UNSUPPORTED',
    location: string | URL,
    rule: string,
    got: string,
    { hint, isNowhere = false }: ErrorDetails & { readonly isNowhere?: boolean } = {},
  ) {
    this.isNowhere = isNowhere;
    this.got = hint === undefined || hint === OTHER ? got : `${got}: ${hint}`;
    this.error = () => expected(code, `${location}`, rule, got, { hint });
  }
}

const OTHER = 'another model, or another folder?';

/**
 * Reads the weights of a model from the location the caller gave.
 *
 * @throws TaesdError ARG (unreadable, nothing there), SHAPE (only the other half), UNSUPPORTED (a
 *   .pth), LIMIT (a file of more than 256 MiB), and the errors of `readSafetensors` and
 *   `splitByKeyNames`
 */
export async function readGivenLocation(
  variant: Variant,
  location: string | URL,
  halves: readonly Half[],
  signal?: AbortSignal,
): Promise<ModelTensors> {
  if (location === '') {
    const names = weightFileNames(variant, halves).join(' and ');
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
  return SAFETENSORS.test(url.pathname)
    ? readFile({ given: location, url, signal }, halves)
    : readFolder({ given: location, url, signal }, variant, halves);
}

const SAFETENSORS = /\.safetensors$/i;

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
  halves: readonly Half[],
): Promise<ModelTensors | Absent> {
  const bytes = await readUrl(url, { signal });
  if (bytes === undefined) {
    const isNowhere = url.protocol === 'file:';
    return new Absent('ARG', given, 'a file or a folder', 'no such file', { isNowhere });
  }
  return inside(`${given}`, () => readOneFile(bytes, halves));
}

async function readFolder(
  folder: Location,
  variant: Variant,
  halves: readonly Half[],
): Promise<ModelTensors | Absent> {
  const { url, signal } = folder;
  const names = weightFileNames(variant, halves);
  const reads = names.map((name) => readUrl(urlInFolder(url, name), { signal }));
  // Waits for all, so that the error does not depend on which of them fails first.
  const files = (await Promise.allSettled(reads)).map((read) => {
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  });
  const missing = names.filter((_, i) => files[i] === undefined);
  if (missing.length > 0) return absentFiles(folder, names, missing);
  const paths = halves.map((half, i) => [half, pathInFolder(folder, names[i])] as const);
  const bytes = halves.map((half, i) => [half, files[i]] as const);
  return readFiles(Object.fromEntries(bytes), halves, Object.fromEntries(paths));
}

/** Returns the path or URL of a file in a folder, for messages. */
function pathInFolder({ given, url }: Location, name: string): string {
  const isPath = url.protocol === 'file:' && !/^file:/i.test(`${given}`);
  return isPath ? `${given}`.replace(/[/\\]?$/, `/${name}`) : urlInFolder(url, name).href;
}

/**
 * Returns the reason why a location can hold no weights, whatever their names: it is nothing, or a
 * file that is not one of weights. Returns undefined for a folder, for a file that exists and ends
 * in `.safetensors`, and for an address of the web, which is not requested.
 *
 * @param rule  the right content, for the error
 */
export async function nothingAt(given: string | URL, rule: string): Promise<Absent | undefined> {
  const url = urlOf('weights', given);
  if (url.protocol !== 'file:' || (await folderExists(url))) return undefined;
  const nowhere = (code: 'ARG' | 'UNSUPPORTED', got: string, hint?: string) =>
    new Absent(code, given, rule, got, { hint, isNowhere: true });
  const isNamed = SAFETENSORS.test(url.pathname);
  if (!(await fileExists(url))) return nowhere('ARG', `no such ${isNamed ? 'file' : 'folder'}`);
  if (isNamed) return undefined;
  if (/\.pth$/i.test(url.pathname)) return nowhere('UNSUPPORTED', 'a .pth file', CONVERT_PTH);
  return nowhere('ARG', 'a file', 'give its folder, or a file that ends in .safetensors');
}

/** Names, in the order of `names`, the files a folder lacks, and what the folder has instead. */
async function absentFiles(
  { given, url }: Location,
  names: readonly string[],
  missing: readonly string[],
): Promise<Absent> {
  const rule = `a folder that holds ${names.join(' and ')}`;
  const nothing = await nothingAt(given, rule);
  if (nothing !== undefined) return nothing;
  const pths = missing.map((name) => name.replace(SAFETENSORS, '.pth'));
  const found = await Promise.all(pths.map((pth) => fileExists(urlInFolder(url, pth))));
  if (found.includes(true)) {
    const wanted = missing.filter((_, i) => found[i]).join(' and ');
    const got = pths.filter((_, i) => found[i]).join(' and ');
    return new Absent('UNSUPPORTED', given, wanted, got, { hint: CONVERT_PTH });
  }
  const none = names.length === 1 ? 'no such file' : 'neither';
  const got = missing.length === names.length ? none : `no ${missing.join(' and no ')}`;
  return new Absent('ARG', given, rule, got, { hint: OTHER });
}
