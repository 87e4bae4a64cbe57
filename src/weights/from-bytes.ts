import { describe } from '../checks.ts';
import { expected, type TaesdError } from '../errors.ts';
import type { Part } from '../model/variants.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { type ModelTensors, splitByKeyNames } from './key-names.ts';

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
  | Parts<Uint8Array>;

/** Something of each network, or of one. */
export interface Parts<T> {
  readonly encoder?: T | undefined;
  readonly decoder?: T | undefined;
}

/**
 * Reads weights that are given as bytes.
 *
 * @throws TaesdError ARG (no bytes), SHAPE (the other network alone), and what `readSafetensors` and `splitByKeyNames` throw
 */
export const readBytes = (
  where: string,
  given: Exclude<WeightSource, string | URL>,
  parts: readonly Part[],
): ModelTensors =>
  given instanceof Uint8Array ? readOne(where, given, parts) : readParts(where, given, parts);

/** One file, with both networks or one. */
export function readOne(where: string, bytes: Uint8Array, parts: readonly Part[]): ModelTensors {
  const only = parts.length === 1 ? parts[0] : undefined;
  return splitByKeyNames(where, readSafetensors(bytes, where), only);
}

/** A file for each network; `wheres` are the names that messages about them begin with. */
export function readParts(
  where: string,
  files: Parts<Uint8Array>,
  parts: readonly Part[],
  wheres: Parts<string> = {},
): ModelTensors {
  if (typeof files !== 'object' || files === null) throw noBytes(where, files, parts);
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
    throw noBytes(where, files, parts);
  }
  return { ...encoder, ...decoder, encoder: encoder?.encoder, decoder: decoder?.decoder };
}

function noBytes(where: string, got: unknown, parts: readonly Part[]): TaesdError {
  const rule = `a folder, a URL, bytes, or { ${parts.map((part) => `${part}: Uint8Array`).join(', ')} }`;
  const hint = got instanceof ArrayBuffer ? 'new Uint8Array(buffer)' : undefined;
  return expected('ARG', where, 'weights', rule, describe(got), hint);
}
