import { describe } from '../checks.ts';
import { expected, inside, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Halves, WeightSource } from '../options/types.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { type ModelTensors, splitByKeyNames } from './key-names.ts';

/**
 * Reads weights that are given as bytes.
 *
 * @throws TaesdError ARG (no bytes), SHAPE (the other network alone), and what `readSafetensors` and `splitByKeyNames` throw
 */
export const readBytes = (
  given: Exclude<WeightSource, string | URL>,
  parts: readonly Half[],
): ModelTensors => (given instanceof Uint8Array ? readOne(given, parts) : readParts(given, parts));

/** One file, with both networks or one. */
export function readOne(bytes: Uint8Array, parts: readonly Half[]): ModelTensors {
  const only = parts.length === 1 ? parts[0] : undefined;
  return splitByKeyNames(readSafetensors(bytes), only);
}

/** A file for each network; `names` come before the messages about them. */
export function readParts(
  files: Halves<Uint8Array>,
  parts: readonly Half[],
  names: Halves<string> = {},
): ModelTensors {
  if (typeof files !== 'object' || files === null) throw noBytes(files, parts);
  const hint = files.encoder && files.decoder ? 'encoder and decoder swapped?' : undefined;
  const read = (part: Half) => {
    const bytes = files[part];
    if (bytes === undefined || !parts.includes(part)) return undefined;
    return inside(names[part] ?? part, () => splitByKeyNames(readSafetensors(bytes), part, hint));
  };
  const encoder = read('encoder');
  const decoder = read('decoder');
  if (encoder === undefined && decoder === undefined) {
    throw noBytes(files, parts);
  }
  return { ...encoder, ...decoder, encoder: encoder?.encoder, decoder: decoder?.decoder };
}

function noBytes(got: unknown, parts: readonly Half[]): TaesdError {
  const rule = `a folder, a URL, bytes, or { ${parts.map((part) => `${part}: Uint8Array`).join(', ')} }`;
  const hint = got instanceof ArrayBuffer ? 'new Uint8Array(buffer)' : undefined;
  return expected('ARG', 'weights', rule, describe(got), { hint });
}
