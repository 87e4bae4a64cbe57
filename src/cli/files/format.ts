import { extname } from 'node:path';
import { expectedGot, fault } from '../terminal/faults.ts';

/** The formats a file's ending can choose. */
export type Format = 'png' | 'safetensors';

/** The contents of each format, for messages about endings. */
export type FormatContents = Readonly<Record<Format, string>>;

/** The contents of files of latents. */
export const LATENT_CONTENTS: FormatContents = {
  png: '8-bit latents',
  safetensors: 'f32 latents',
};

/** The contents of files of decoded latents. */
export const DECODED_CONTENTS: FormatContents = {
  png: 'the picture',
  safetensors: 'f32 decoded',
};

/**
 * Returns the format of a path's ending. Capitals do not matter.
 *
 * @throws TaesdError ARG (another ending)
 */
export function formatOf(path: string, contents: FormatContents): Format {
  const ending = extname(path).toLowerCase();
  if (ending === '.png') return 'png';
  if (ending === '.safetensors') return 'safetensors';
  const rule = `the ending .png (${contents.png}) or .safetensors (${contents.safetensors})`;
  throw fault(path, expectedGot(rule, ending === '' ? 'no ending' : ending));
}

/** True for bytes that begin like a safetensors file: a 64-bit length below 2³², then `{`. */
export const isSafetensors = (bytes: Uint8Array): boolean =>
  startsWith(bytes.subarray(4), '\0\0\0\0{');

/** True if the first bytes are those of the text, one byte a character. */
export const startsWith = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((char, i) => bytes[i] === char.charCodeAt(0));
