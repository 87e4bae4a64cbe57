import type { BoundNetwork } from '../src/model/bind.ts';
import type { Half } from '../src/model/layers.ts';
import type { Variant } from '../src/model/variants.ts';
import { readSafetensors, toTensor } from '../src/safetensors/read.ts';
import type { Tensor } from '../src/tensor.ts';
import { bindHalf } from '../src/weights/fold-frames.ts';
import { readBytes } from '../src/weights/from-bytes.ts';
import { weightsFrom } from './seeded-weights.ts';
import { sharedFile } from './shared.ts';
import { weightFile } from './weight-file.ts';

/** A file of golden tensors. Bytes come as numbers 0 … 255. */
export function readGolden(name: string): (tensor: string) => Tensor {
  const { tensors } = readSafetensors(sharedFile(`golden/${name}.safetensors`));
  return (tensor) => {
    const stored = tensors.get(tensor);
    if (stored === undefined) throw new Error(`${name} holds no ${tensor}`);
    if (stored.dtype !== 'U8') return toTensor(stored, tensor);
    return { shape: stored.shape, data: Float32Array.from(stored.bytes) };
  };
}

/** The encoder's input for a golden image: bytes / 255. */
export const unitRange = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: data.map((byte) => byte / 255),
});

/** One real network with its weights. */
export async function realNetwork(variant: Variant, part: Half): Promise<BoundNetwork> {
  const bytes = await weightsFrom(sharedFile, variant.name, part);
  const tensors = (await readBytes(bytes, variant, [part]))[part];
  if (tensors === undefined) throw new Error(`no ${part}`);
  return bindHalf(variant, part, tensors);
}

/** The real weights of a model, as `Taesd.load` takes them. */
export const realWeights = (model: string) => ({
  encoder: sharedFile(`weights/${weightFile(model, 'encoder')}`),
  decoder: sharedFile(`weights/${weightFile(model, 'decoder')}`),
});

/** The weights of a model, of which some may be seeded. */
export const seededWeights = async (model: string) => ({
  encoder: await weightsFrom(sharedFile, model, 'encoder'),
  decoder: await weightsFrom(sharedFile, model, 'decoder'),
});
