import { expected } from '../errors.ts';
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

/** Characters of all names together. A long key that many tensors share would fill the memory. */
const MAX_NAMES = 2 ** 24;

/** The maximum number of tensors of a file of weights or latents. */
const MAX_TENSORS = 2 ** 14;

/** @throws TaesdError LIMIT (more than 16,384 tensors, names that are too long together) */
export function checkNames(found: readonly FoundTensor[]): void {
  if (found.length > MAX_TENSORS) {
    throw expected('LIMIT', 'tensors', `at most ${MAX_TENSORS}`, `${found.length}`);
  }
  let total = 0;
  for (const { path } of found) for (const key of path) total += `${key}`.length + 1;
  if (total <= MAX_NAMES) return;
  const rule = `at most ${MAX_NAMES} characters of names`;
  throw expected('LIMIT', 'tensors', rule, `${total}`);
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
