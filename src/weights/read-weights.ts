import { describe } from '../arguments.ts';
import { expected } from '../errors.ts';
import type { Part } from '../model/variants.ts';
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
