import { type Tensor, zeros } from '../src/tensor.ts';

/** Joins pictures [1, C, H, W] of one shape to a batch [N, C, H, W]. */
export function stack(pictures: readonly Tensor[]): Tensor {
  if (pictures.length === 1) return pictures[0];
  const [, ...chw] = pictures[0].shape;
  const batch = zeros([pictures.length, ...chw]);
  for (const [n, { data }] of pictures.entries()) batch.data.set(data, n * data.length);
  return batch;
}
