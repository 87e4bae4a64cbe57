import { widen } from '../../src/numbers/stored.ts';
import type { Tensor } from '../../src/tensor.ts';
import { readTorch } from '../../src/torch/read-torch.ts';
import { tensorsOf } from '../../src/torch/tensors-of.ts';

/** The tensors of a file that torch.save wrote, by name. Nothing here may need vitest or Node. */
export function tensorsOfPth(bytes: Uint8Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const { path, tensor } of tensorsOf(readTorch(bytes))) {
    const name = path.join('.');
    tensors.set(name, widen(tensor.read(), name));
  }
  return tensors;
}
