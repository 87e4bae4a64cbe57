import { describe } from '../arguments.ts';
import { expected, type TaesdError } from '../errors.ts';
import type { Part, Variant } from '../model/variants.ts';
import { isUrlThere, readUrl, urlInFolder, urlOf } from '../platform.ts';
import { type ModelTensors, splitByKeyNames } from './key-names.ts';
import { readSafetensors } from './safetensors.ts';

/** Where weights come from. */
export type WeightSource =
  /**
   * A folder (path or `file:` URL) or a web address that holds MODEL_encoder.safetensors and MODEL_decoder.safetensors;
   * or, ending in `.safetensors`, one file with both networks (diffusers, ComfyUI) or one.
   */
  | string
  | URL
  /** The bytes of one file: both networks (diffusers, ComfyUI), or one. */
  | Uint8Array
  /** The bytes of a file for each network that is wanted. */
  | { readonly encoder?: Uint8Array; readonly decoder?: Uint8Array };

/** The files of some networks of a model in a folder of weights. */
export const weightFileNames = ({ name }: Variant, parts: readonly Part[]) =>
  parts.map((part) => `${name}_${part}.safetensors`);

/** A place that has no such files. Whether that is an error, the one who looks knows. */
export class NotThere {
  /** What is there in their place, with the likely cause where that helps on. */
  readonly got: string;
  /** The error, where this is one. */
  readonly error: (where: string) => TaesdError;

  constructor(
    code: 'ARG' | 'UNSUPPORTED',
    place: string | URL,
    rule: string,
    got: string,
    hint?: string,
  ) {
    this.got = hint === undefined || hint === OTHER ? got : `${got}: ${hint}`;
    this.error = (where) => expected(code, where, `${place}`, rule, got, hint);
  }
}

const OTHER = 'another model, or another folder?';

/**
 * Reads the weights of a model from a place or bytes.
 *
 * @throws TaesdError ARG (unreadable), SHAPE (the other network alone), LIMIT (a file of more than 256 MiB), and what
 *   `readSafetensors` and `splitByKeyNames` throw
 */
export async function readSource(
  where: string,
  variant: Variant,
  source: WeightSource,
  parts: readonly Part[],
): Promise<ModelTensors | NotThere> {
  if (source instanceof Uint8Array) return readOne(where, source, parts);
  if (typeof source !== 'string' && !(source instanceof URL)) {
    return readParts(where, source, parts);
  }
  const url = await urlOf(where, source);
  return SAFETENSORS.test(url.pathname)
    ? readFile(where, url, source, parts)
    : readFolder(where, variant, url, source, parts);
}

const SAFETENSORS = /\.safetensors$/i;
const CONVERT = 'a .pth file is not read yet; convert it to safetensors';

/** One file, with both networks or one. */
async function readFile(
  where: string,
  url: URL,
  given: string | URL,
  parts: readonly Part[],
): Promise<ModelTensors | NotThere> {
  const bytes = await readUrl(where, url);
  if (bytes === undefined) return new NotThere('ARG', given, 'a file or a folder', 'no such file');
  return readOne(`${where} ${given}`, bytes, parts);
}

function readOne(where: string, bytes: Uint8Array, parts: readonly Part[]): ModelTensors {
  const only = parts.length === 1 ? parts[0] : undefined;
  return splitByKeyNames(where, readSafetensors(bytes, where), only);
}

async function readFolder(
  where: string,
  variant: Variant,
  folder: URL,
  given: string | URL,
  parts: readonly Part[],
): Promise<ModelTensors | NotThere> {
  const names = weightFileNames(variant, parts);
  const reads = names.map((name) => readUrl(where, urlInFolder(folder, name)));
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
  const wheres = parts.map((part, i) => [part, `${where} ${beside(names[i])}`] as const);
  const bytes = parts.map((part, i) => [part, files[i]] as const);
  return readParts(where, Object.fromEntries(bytes), parts, Object.fromEntries(wheres));
}

/** Names, in the order of `names`, what a folder lacks, and says what is there in its place. */
async function missingFiles(
  folder: URL,
  given: string | URL,
  names: readonly string[],
  missing: readonly string[],
): Promise<NotThere> {
  const isThere = (url: URL) => (url.protocol === 'file:' ? isUrlThere(url) : false);
  const rule = `a folder that holds ${names.join(' and ')}`;
  if (missing.length === names.length && (await isThere(folder))) {
    if (/\.pth$/i.test(folder.pathname)) {
      return new NotThere('UNSUPPORTED', given, rule, 'a .pth file', CONVERT);
    }
    return new NotThere('ARG', given, rule, 'a file', 'give its folder; from code, its bytes');
  }
  const pths = missing.map((name) => name.replace(SAFETENSORS, '.pth'));
  const found = await Promise.all(pths.map((pth) => isUrlThere(urlInFolder(folder, pth))));
  if (found.includes(true)) {
    const wanted = missing.filter((_, i) => found[i]).join(' and ');
    const got = pths.filter((_, i) => found[i]).join(' and ');
    return new NotThere('UNSUPPORTED', given, wanted, got, CONVERT);
  }
  const none = names.length === 1 ? 'no such file' : 'neither';
  const got = missing.length === names.length ? none : `no ${missing.join(' and no ')}`;
  return new NotThere('ARG', given, rule, got, OTHER);
}

/** A file for each network; `wheres` are the names that messages about them begin with. */
export function readParts(
  where: string,
  files: { readonly encoder?: Uint8Array; readonly decoder?: Uint8Array },
  parts: readonly Part[],
  wheres: { readonly encoder?: string; readonly decoder?: string } = {},
): ModelTensors {
  const hint = files.encoder && files.decoder ? 'encoder and decoder swapped?' : undefined;
  const read = (part: Part) => {
    const bytes = files[part];
    if (bytes === undefined || !parts.includes(part)) return undefined;
    const name = wheres[part] ?? `${where} ${part}`;
    return splitByKeyNames(name, readSafetensors(bytes, name), part, hint);
  };
  const encoder = read('encoder');
  const decoder = read('decoder');
  if (encoder === undefined && decoder === undefined) {
    const rule = `{ ${parts.map((part) => `${part}: Uint8Array`).join(', ')} }`;
    throw expected('ARG', where, 'weights', rule, describe(files));
  }
  return { ...encoder, ...decoder, encoder: encoder?.encoder, decoder: decoder?.decoder };
}
