import { existsSync } from 'node:fs';
import { type BoundNetwork, bindNetwork } from '../src/model/bind.ts';
import type { Half } from '../src/model/layers.ts';
import type { Variant } from '../src/model/variants.ts';
import { widen } from '../src/numbers/stored.ts';
import { readSafetensors, toTensor } from '../src/safetensors/read.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import type { Tensor } from '../src/tensor.ts';
import { readTorch } from '../src/torch/read-torch.ts';
import { tensorsOf } from '../src/torch/tensors-of.ts';
import { splitByKeyNames } from '../src/weights/key-names.ts';
import { sharedFile, sharedPath } from './shared.ts';

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
export function realNetwork(variant: Variant, part: Half): BoundNetwork {
  const file = readSafetensors(realFile(`weights/${variant.name}_${part}`));
  const tensors = splitByKeyNames(file, part)[part];
  if (tensors === undefined) throw new Error(`no ${part}`);
  return bindNetwork(part, variant.networks[part], tensors);
}

/** The real weights of a model, as `Taesd.load` takes them. */
export const realWeights = (model: string) => ({
  encoder: realFile(`weights/${model}_encoder`),
  decoder: realFile(`weights/${model}_decoder`),
});

/** A file of weights. One of torch is written as safetensors. */
function realFile(path: string): Uint8Array {
  if (!existsSync(sharedPath(`${path}.pth`))) return sharedFile(`${path}.safetensors`);
  const found = tensorsOf(readTorch(sharedFile(`${path}.pth`)));
  return writeSafetensors(
    found.map(({ path: names, tensor }) => {
      const name = names.join('.');
      return [name, widen(tensor.read(), name)] as const;
    }),
  );
}
