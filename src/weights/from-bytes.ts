import { isUint8Array, tagOf } from '../builtins/tags.ts';
import { bytesOf, describe } from '../checks.ts';
import { expected, inside, type TaesdError } from '../errors.ts';
import { mayBeSafetensors, startsWith } from '../first-bytes.ts';
import type { Half } from '../model/layers.ts';
import { encodingRemedy, type Variant } from '../model/variants.ts';
import type { Halves, WeightSource } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { withEightBits } from './eight-bits.ts';
import { readPlainNames } from './plain-names.ts';
import type { ModelTensors, WeightFile } from './weight-file.ts';

/**
 * Reads weights given as bytes.
 *
 * @throws TaesdError ARG (not bytes), SHAPE (only the other half), and the errors of
 *   `readWeightFile` and `splitByKeyNames`
 */
export const readBytes = (
  given: Exclude<WeightSource, string | URL>,
  variant: Variant,
  halves: readonly Half[],
): Promise<ModelTensors> =>
  isUint8Array(given) ? readOneFile(given, variant, halves) : readFiles(given, variant, halves);

/** Reads a file of both networks or of one. */
export const readOneFile = (
  bytes: Uint8Array,
  variant: Variant,
  halves: readonly Half[],
): Promise<ModelTensors> => readFile(bytes, variant, halves.length === 1 ? halves[0] : undefined);

/**
 * Reads a file of each network.
 *
 * @param names  the names of the files, for errors; default to `encoder` and `decoder`
 */
export async function readFiles(
  files: Halves<Uint8Array>,
  variant: Variant,
  halves: readonly Half[],
  names: Halves<string> = {},
): Promise<ModelTensors> {
  if (typeof files !== 'object' || files === null) throw notBytes(files, variant, halves);
  const { encoder: one, decoder: other } = files;
  const hint = one && other && one !== other ? 'encoder and decoder swapped?' : undefined;
  const read = async (half: Half) => {
    const bytes = files[half];
    if (bytes === undefined || !halves.includes(half)) return undefined;
    return inside(names[half] ?? half, () => readFile(bytes, variant, half, hint));
  };
  const encoder = await read('encoder');
  const decoder = await read('decoder');
  if (encoder === undefined && decoder === undefined) throw notBytes(files, variant, halves);
  // One file that holds both halves is read once for each.
  const spare = new Set([...(encoder?.spare ?? []), ...(decoder?.spare ?? [])]);
  const tensors = {
    ...encoder,
    ...decoder,
    encoder: encoder?.encoder,
    decoder: decoder?.decoder,
  };
  return spare.size > 0 ? { ...tensors, spare: [...spare] } : tensors;
}

async function readFile(
  bytes: Uint8Array,
  variant: Variant,
  half: Half | undefined,
  otherHint?: string,
): Promise<ModelTensors> {
  const file = await readWeightFile(bytes);
  const plain = await readPlainNames(file, variant, half);
  if (plain !== undefined) return plain;
  // Imported when needed: most files have exactly the names of a model.
  const { readOtherNames } = await lazily(() => import('./misfit.ts'));
  return readOtherNames(file, variant, half, otherHint);
}

/**
 * Reads a file of weights, safetensors or `.pth`. Its bytes decide. Weights of 8 bits in a
 * safetensors file become float32 when they are read; see `withEightBits`.
 *
 * @throws TaesdError as `readSafetensors` and `readTorch`
 */
export async function readWeightFile(given: Uint8Array): Promise<WeightFile> {
  const bytes = bytesOf(given);
  const isTorch = startsWith(bytes, 'PK') || startsWith(bytes, '\x80');
  if (!isTorch || mayBeSafetensors(bytes)) return withEightBits(readSafetensors(bytes));
  // Imported when needed: most weights are safetensors.
  const { readTorchWeights } = await lazily(() => import('./from-torch.ts'));
  return readTorchWeights(bytes);
}

function notBytes(got: unknown, variant: Variant, halves: readonly Half[]): TaesdError {
  const fields = halves.map((half) => `${half}: Uint8Array`).join(', ');
  const rule = `a folder, a URL, bytes, or { ${fields} }`;
  const hint = tagOf(got) === 'ArrayBuffer' ? 'new Uint8Array(buffer)' : undefined;
  const remedy = halves.includes('decoder') ? undefined : encodingRemedy(variant);
  return expected('ARG', 'weights', rule, describe(got), { hint, remedy });
}
