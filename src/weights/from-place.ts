import { expected, inside, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { fileExists, folderExists, urlInFolder, urlOf } from '../platform/locations.ts';
import { readUrl } from '../platform/read-url.ts';
import { readOne, readParts } from './from-bytes.ts';
import type { ModelTensors } from './key-names.ts';

/** The files of some networks of a model in a folder of weights. */
export const weightFileNames = ({ name }: Variant, parts: readonly Half[]) =>
  parts.map((part) => `${name}_${part}.safetensors`);

/** A place that has no such files. Whether that is an error, the one who looks knows. */
export class NotThere {
  /** What is there in their place, with the likely cause where that helps on. */
  readonly got: string;
  /** The error, where this is one. */
  readonly error: () => TaesdError;

  constructor(
    code: 'ARG' | 'UNSUPPORTED',
    place: string | URL,
    rule: string,
    got: string,
    hint?: string,
  ) {
    this.got = hint === undefined || hint === OTHER ? got : `${got}: ${hint}`;
    this.error = () => expected(code, `${place}`, rule, got, { hint });
  }
}

const OTHER = 'another model, or another folder?';

/**
 * Reads the weights of a model from a place that was given.
 *
 * @throws TaesdError ARG (unreadable, nothing there), SHAPE (the other network alone), UNSUPPORTED (a .pth), LIMIT (a file of
 *   more than 256 MiB), and what `readSafetensors` and `splitByKeyNames` throw
 */
export async function readGivenPlace(
  variant: Variant,
  place: string | URL,
  parts: readonly Half[],
  signal?: AbortSignal,
): Promise<ModelTensors> {
  if (place === '') {
    const names = weightFileNames(variant, parts).join(' and ');
    const rule = `a folder or URL that holds ${names}, or the bytes of such files`;
    throw expected('ARG', 'weights', rule, '""', { hint: 'a variable that is not set?' });
  }
  const tensors = await readPlace(variant, place, parts, signal);
  if (tensors instanceof NotThere) throw tensors.error();
  return tensors;
}

/** The same, but that nothing is there is no error. */
export async function readPlace(
  variant: Variant,
  place: string | URL,
  parts: readonly Half[],
  signal?: AbortSignal,
): Promise<ModelTensors | NotThere> {
  const url = urlOf('weights', place);
  return SAFETENSORS.test(url.pathname)
    ? readFile(url, place, parts, signal)
    : readFolder(variant, url, place, parts, signal);
}

const SAFETENSORS = /\.safetensors$/i;
const CONVERT = 'a .pth file is not read yet; convert it to safetensors';

/** One file, with both networks or one. */
async function readFile(
  url: URL,
  given: string | URL,
  parts: readonly Half[],
  signal: AbortSignal | undefined,
): Promise<ModelTensors | NotThere> {
  const bytes = await readUrl(url, { signal });
  if (bytes === undefined) return new NotThere('ARG', given, 'a file or a folder', 'no such file');
  return inside(`${given}`, () => readOne(bytes, parts));
}

async function readFolder(
  variant: Variant,
  folder: URL,
  given: string | URL,
  parts: readonly Half[],
  signal: AbortSignal | undefined,
): Promise<ModelTensors | NotThere> {
  const names = weightFileNames(variant, parts);
  const reads = names.map((name) => readUrl(urlInFolder(folder, name), { signal }));
  // Waits for all, so that what is said does not depend on which of them fails first.
  const files = (await Promise.allSettled(reads)).map((read) => {
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  });
  const missing = names.filter((_, i) => files[i] === undefined);
  if (missing.length > 0) return missingFiles(folder, given, names, missing);
  // As the user wrote it: a folder's path stays a path.
  const isPath = folder.protocol === 'file:' && !/^file:/i.test(`${given}`);
  const beside = (name: string) =>
    isPath ? `${given}`.replace(/[/\\]?$/, `/${name}`) : urlInFolder(folder, name).href;
  const paths = parts.map((part, i) => [part, beside(names[i])] as const);
  const bytes = parts.map((part, i) => [part, files[i]] as const);
  return readParts(Object.fromEntries(bytes), parts, Object.fromEntries(paths));
}

/** Names, in the order of `names`, what a folder lacks, and says what is there in its place. */
async function missingFiles(
  folder: URL,
  given: string | URL,
  names: readonly string[],
  missing: readonly string[],
): Promise<NotThere> {
  const isThere = (url: URL) => (url.protocol === 'file:' ? fileExists(url) : false);
  const rule = `a folder that holds ${names.join(' and ')}`;
  if (missing.length === names.length && (await isThere(folder))) {
    if (/\.pth$/i.test(folder.pathname)) {
      return new NotThere('UNSUPPORTED', given, rule, 'a .pth file', CONVERT);
    }
    return new NotThere('ARG', given, rule, 'a file', 'give its folder; from code, its bytes');
  }
  if (folder.protocol === 'file:' && !(await folderExists(folder))) {
    return new NotThere('ARG', given, rule, 'no such folder');
  }
  const pths = missing.map((name) => name.replace(SAFETENSORS, '.pth'));
  const found = await Promise.all(pths.map((pth) => fileExists(urlInFolder(folder, pth))));
  if (found.includes(true)) {
    const wanted = missing.filter((_, i) => found[i]).join(' and ');
    const got = pths.filter((_, i) => found[i]).join(' and ');
    return new NotThere('UNSUPPORTED', given, wanted, got, CONVERT);
  }
  const none = names.length === 1 ? 'no such file' : 'neither';
  const got = missing.length === names.length ? none : `no ${missing.join(' and no ')}`;
  return new NotThere('ARG', given, rule, got, OTHER);
}
