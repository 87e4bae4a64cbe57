import type { Half } from '../model/layers.ts';
import { type WeightShapes, weightShapes } from '../model/measure.ts';
import type { Variant } from '../model/variants.ts';
import { lazily } from '../platform/lazily.ts';
import { toTensor } from '../safetensors/read.ts';
import type { Tensor } from '../tensor.ts';
import { type FileTensor, HALVES, type ModelTensors, type WeightFile } from './weight-file.ts';

/** The prefixes of the layouts; diffusers does not count the decoder's layer 0, the clamp. */
const LAYOUTS = [
  { prefix: () => '', shift: 0 },
  { prefix: (half: Half) => `${half}.layers.`, shift: 1 },
  { prefix: (half: Half) => `taesd_${half}.`, shift: 0 },
] as const;

/**
 * Reads a file whose names are exactly those of a model in one of the three layouts, as most
 * published files are. `key-names.ts` reads all others; it is imported if it is needed.
 *
 * @returns undefined for any other file
 * @throws TaesdError UNSUPPORTED (a dtype that is not read)
 */
export async function readPlainNames(
  { tensors }: WeightFile,
  variant: Variant,
  half: Half | undefined,
): Promise<ModelTensors | undefined> {
  for (const { prefix, shift } of LAYOUTS) {
    const found: Partial<Record<Half, Map<string, Tensor>>> = {};
    let count = 0;
    for (const one of HALVES) {
      const names = await namesOf(variant, one);
      const inFile = names.map(([layer, inner]) => {
        const number = one === 'decoder' ? layer - shift : layer;
        return `${prefix(one)}${number}.${inner}`;
      });
      if (!inFile.every((name) => tensors.has(name))) continue;
      count += names.length;
      if (half !== undefined && half !== one) continue;
      found[one] = new Map(
        names.map(([layer, inner], i) => {
          const stored = tensors.get(inFile[i]) as FileTensor;
          return [`${layer}.${inner}`, numbersOf(stored, inFile[i])];
        }),
      );
    }
    if (count !== tensors.size) continue;
    const { encoder, decoder } = found;
    if (encoder || decoder) return { encoder, decoder };
  }
  return undefined;
}

async function namesOf(variant: Variant, half: Half) {
  let layers: readonly WeightShapes[] = variant.networks[half].map(weightShapes);
  if (variant.isOfVideos) {
    // Imported when needed: in other models the layers of the file are those that are computed.
    const { storedShapes } = await lazily(() => import('../model/stored.ts'));
    layers = storedShapes(variant, half);
  }
  return layers.flatMap((shapes, i) => [...shapes.keys()].map((inner) => [i, inner] as const));
}

/** Reads the numbers of a tensor as float32. */
export function numbersOf(tensor: FileTensor, name: string): Tensor {
  const read = 'read' in tensor ? tensor.read() : tensor;
  return 'data' in read ? read : toTensor(read, name);
}
