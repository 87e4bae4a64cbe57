import {
  isTorchTensor,
  type TorchFile,
  type TorchKey,
  type TorchTensor,
  type TorchValue,
} from './values.ts';

/** A tensor and the keys that lead to it from the file's root. */
export interface FoundTensor {
  /** Keys of dicts and indices of lists: `['state_dict', '1.weight']`. Empty for a bare tensor. */
  readonly path: readonly TorchKey[];
  readonly tensor: TorchTensor;
}

/**
 * Lists the tensors of a file in its order. A tensor that occurs at two places is listed twice.
 * `readTorch` bounds the number of values and of levels, so the list is bounded too.
 */
export function tensorsOf(file: TorchFile): readonly FoundTensor[] {
  const found: FoundTensor[] = [];
  collect(file.root, [], found);
  return found;
}

function collect(value: TorchValue, path: readonly TorchKey[], found: FoundTensor[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (isTorchTensor(value)) {
    found.push({ path, tensor: value });
    return;
  }
  for (const [key, child] of value.entries()) {
    if (typeof child === 'object' && child !== null) collect(child, [...path, key], found);
  }
}
