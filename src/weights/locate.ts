import { describe } from '../arguments.ts';
import { expected } from '../errors.ts';
import type { Part, Variant } from '../model/variants.ts';
import { environmentVariable, folderUrl, isUrlThere, readUrl } from '../platform.ts';
import { type ModelTensors, splitByKeyNames } from './key-names.ts';
import { readSafetensors } from './safetensors.ts';

/** Where weights come from. */
export type WeightSource =
  /** A folder (path or `file:` URL) or a web address that holds MODEL_encoder.safetensors and MODEL_decoder.safetensors. */
  | string
  | URL
  /** The bytes of one file: both networks (diffusers, ComfyUI), or one. */
  | Uint8Array
  /** The bytes of a file for each network that is wanted. */
  | { readonly encoder?: Uint8Array; readonly decoder?: Uint8Array };

/** The environment variable that names the folder where none is given. */
const FOLDER_VARIABLE = 'TAESD_WEIGHTS';

/** The file of one network in a folder of weights. */
export const weightFileName = ({ name }: Variant, part: Part) => `${name}_${part}.safetensors`;

/**
 * Finds and reads the weights of a model.
 *
 * @param source  undefined for the folder that the environment variable TAESD_WEIGHTS names
 * @param parts   the networks that are wanted: from a folder all of them, from bytes those that are there
 * @throws TaesdError ARG (nothing given, not found, unreadable), UNSUPPORTED (a .pth), and what
 *   `readSafetensors` and `splitByKeyNames` throw
 */
export async function locateWeights(
  where: string,
  variant: Variant,
  source: WeightSource | undefined,
  parts: readonly Part[],
): Promise<ModelTensors> {
  const found = source ?? environmentVariable(FOLDER_VARIABLE);
  const names = parts.map((part) => weightFileName(variant, part)).join(' and ');
  if (found === undefined || found === '') {
    const rule = `a folder or URL that holds ${names}, or the bytes of such files`;
    const hint = `the option weights (--weights DIR), or ${FOLDER_VARIABLE}`;
    throw expected('ARG', where, 'weights', rule, 'none', hint);
  }
  if (found instanceof Uint8Array) return splitByKeyNames(where, readSafetensors(found, where));
  if (typeof found === 'string' || found instanceof URL) {
    return readFolder(where, variant, found, parts);
  }
  return readParts(where, found, parts);
}

async function readFolder(
  where: string,
  variant: Variant,
  folder: string | URL,
  parts: readonly Part[],
): Promise<ModelTensors> {
  const base = await folderUrl(where, folder);
  const files = await Promise.all(
    parts.map(async (part) => {
      const name = weightFileName(variant, part);
      const bytes = await readUrl(where, new URL(name, base));
      if (bytes === undefined) throw await missingFile(where, name, folder, base);
      return [part, bytes] as const;
    }),
  );
  return readParts(where, Object.fromEntries(files), parts);
}

async function missingFile(where: string, name: string, folder: string | URL, base: URL) {
  const pth = name.replace(/safetensors$/, 'pth');
  if (await isUrlThere(new URL(pth, base))) {
    const hint = 'a .pth file is not read yet; convert it to safetensors';
    return expected('UNSUPPORTED', where, `${folder}`, name, pth, hint);
  }
  const hint = 'another model, or another folder?';
  return expected('ARG', where, `${folder}`, `a folder that holds ${name}`, 'no such file', hint);
}

function readParts(
  where: string,
  files: { readonly encoder?: Uint8Array; readonly decoder?: Uint8Array },
  parts: readonly Part[],
): ModelTensors {
  const read = (part: Part) => {
    const bytes = files[part];
    if (bytes === undefined || !parts.includes(part)) return undefined;
    const name = `${where} ${part}`;
    return splitByKeyNames(name, readSafetensors(bytes, name), part);
  };
  const encoder = read('encoder');
  const decoder = read('decoder');
  if (encoder === undefined && decoder === undefined) {
    const rule = `{ ${parts.map((part) => `${part}: Uint8Array`).join(', ')} }`;
    throw expected('ARG', where, 'weights', rule, describe(files));
  }
  return { ...encoder, ...decoder, encoder: encoder?.encoder, decoder: decoder?.decoder };
}
