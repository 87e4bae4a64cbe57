import { isPromise, tagOf } from '../builtins/tags.ts';
import { type BytesLike, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { readSafetensors, toTensor } from '../safetensors/read.ts';
import type { Tensor } from '../tensor.ts';
import { copyWhole } from '../tensor-like/copy-whole.ts';
import { reading } from '../tensor-like/read-tensor.ts';
import type { TensorLike } from '../tensor-like/types.ts';

/**
 * The weights of a network: its tensors by name, or the bytes of a safetensors file of them. A name
 * is the layer's number and the tensor's name in the layer: `0.weight`, `3.conv.0.bias`.
 */
export type NetworkWeights = ReadonlyMap<string, TensorLike> | BytesLike;

/**
 * Copies weights, so that the caller may change them once the call has returned its promise.
 *
 * @returns f32; a promise if a tensor has to be read from a GPU
 * @throws TaesdError ARG (neither a map nor bytes, a name that is no text), and as
 *   `readSafetensors`, `toTensor` and `copyWhole`
 */
export function ownWeights(
  weights: NetworkWeights,
): ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>> {
  if (ArrayBuffer.isView(weights) || tagOf(weights) === 'ArrayBuffer') {
    const { tensors } = readSafetensors(weights as BytesLike);
    return new Map([...tensors].map(([name, stored]) => [name, toTensor(stored, name)]));
  }
  if (tagOf(weights) !== 'Map') {
    const rule = 'a Map of tensors by name, or the bytes of a safetensors file';
    const isObject = typeof weights === 'object' && weights !== null;
    const hint = isObject ? 'new Map(Object.entries(weights))?' : undefined;
    throw expected('ARG', 'weights', rule, describe(weights), { hint });
  }
  const entries = reading('weights', () => [...(weights as ReadonlyMap<unknown, TensorLike>)]);
  const copies = entries.map(([name, tensor]) => {
    if (typeof name === 'string') return [name, copyWhole(`network ${name}`, tensor)] as const;
    throw expected('ARG', 'weights', 'names that are texts', describe(name));
  });
  const later = copies.filter(([, copy]) => isPromise(copy));
  if (later.length === 0) return new Map(copies as (readonly [string, Tensor])[]);
  return Promise.all(copies.map(async ([name, copy]) => [name, await copy] as const)).then(
    (all) => new Map(all),
  );
}
