import { expected, inside } from '../errors.ts';
import { showName } from '../safetensors/show-name.ts';
import { elementCount } from '../tensor.ts';
import { readTorch } from '../torch/read-torch.ts';
import { checkNames, tensorsOf } from '../torch/tensors-of.ts';
import type { LateTensor, WeightFile } from './weight-file.ts';

/** The maximum of all tensors together, in sizes of the file. Those that share numbers repeat. */
const MAX_RATIO = 16;
/** A size that they may always have, in bytes. */
const MIN_LIMIT = 65536;

/**
 * Reads a file of weights that `torch.save` wrote. The name of a tensor in nested dicts is the keys
 * that lead to it: `state_dict.1.weight`.
 *
 * @throws TaesdError FORMAT (two tensors of one name), LIMIT (names or numbers far larger than the
 *   file), and the errors of `readTorch`
 */
export function readTorchWeights(bytes: Uint8Array): WeightFile {
  const found = tensorsOf(readTorch(bytes));
  checkNames(found);
  const tensors = new Map<string, LateTensor>();
  const maxBytes = Math.max(MIN_LIMIT, MAX_RATIO * bytes.length);
  let total = 0;
  for (const { path, tensor } of found) {
    const name = path.join('.');
    if (tensors.has(name)) {
      throw expected('FORMAT', 'tensor names', 'each name once', `"${showName(name)}" twice`);
    }
    const { dtype, shape } = tensor;
    const read = () => inside(`tensor ${showName(name)}`, () => tensor.read());
    tensors.set(name, { dtype, shape, read });
    total += 4 * elementCount(shape);
  }
  if (total > maxBytes) {
    const hint = 'tensors that share numbers; save clones of them';
    throw expected('LIMIT', 'tensors', `at most ${maxBytes} bytes`, `${total}`, { hint });
  }
  return { tensors };
}
