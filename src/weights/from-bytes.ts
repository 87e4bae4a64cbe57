import { describe } from '../checks.ts';
import { expected, inside, type TaesdError } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import type { Halves, WeightSource } from '../options/types.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { type ModelTensors, splitByKeyNames } from './key-names.ts';

/**
 * Reads weights given as bytes.
 *
 * @throws TaesdError ARG (not bytes), SHAPE (only the other half), and the errors of
 *   `readSafetensors` and `splitByKeyNames`
 */
export const readBytes = (
  given: Exclude<WeightSource, string | URL>,
  halves: readonly Half[],
): ModelTensors =>
  given instanceof Uint8Array ? readOneFile(given, halves) : readFiles(given, halves);

/** Reads a file of both networks or of one. */
export function readOneFile(bytes: Uint8Array, halves: readonly Half[]): ModelTensors {
  const only = halves.length === 1 ? halves[0] : undefined;
  return splitByKeyNames(readSafetensors(bytes), only);
}

/**
 * Reads a file of each network.
 *
 * @param names  the names of the files, for errors; default to `encoder` and `decoder`
 */
export function readFiles(
  files: Halves<Uint8Array>,
  halves: readonly Half[],
  names: Halves<string> = {},
): ModelTensors {
  if (typeof files !== 'object' || files === null) throw notBytes(files, halves);
  const hint = files.encoder && files.decoder ? 'encoder and decoder swapped?' : undefined;
  const read = (half: Half) => {
    const bytes = files[half];
    if (bytes === undefined || !halves.includes(half)) return undefined;
    return inside(names[half] ?? half, () => splitByKeyNames(readSafetensors(bytes), half, hint));
  };
  const encoder = read('encoder');
  const decoder = read('decoder');
  if (encoder === undefined && decoder === undefined) throw notBytes(files, halves);
  return { ...encoder, ...decoder, encoder: encoder?.encoder, decoder: decoder?.decoder };
}

function notBytes(got: unknown, halves: readonly Half[]): TaesdError {
  const fields = halves.map((half) => `${half}: Uint8Array`).join(', ');
  const rule = `a folder, a URL, bytes, or { ${fields} }`;
  const hint = got instanceof ArrayBuffer ? 'new Uint8Array(buffer)' : undefined;
  return expected('ARG', 'weights', rule, describe(got), { hint });
}
