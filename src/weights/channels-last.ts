import type { WeightShapes } from '../model/measure.ts';
import { namedShapes } from '../model/stored.ts';
import { copyStrided, rowMajorStrides } from '../numbers/strided.ts';
import type { Tensor } from '../tensor.ts';

/*
 * Convolutions whose channels come last, as ports to other libraries write them. PyTorch's order is
 * out, in, height, width.
 */

/** An order of axes: the place of each of PyTorch's axes in it. */
interface Order {
  readonly words: string;
  readonly axes: readonly [out: number, in_: number, height: number, width: number];
}

const ORDERS: readonly Order[] = [
  // MLX
  { words: 'out, height, width, in', axes: [0, 3, 1, 2] },
  // TensorFlow, Keras, Flax
  { words: 'height, width, in, out', axes: [3, 2, 0, 1] },
];

/**
 * Converts the weights of a network with channels last to PyTorch's order. All convolutions must
 * have one order. The shape of one alone may fit two, such as [64, 3, 3, 3]; those of a network
 * never do.
 *
 * @param layers  the shapes of each layer's tensors in PyTorch's order
 * @returns undefined if they have another fault
 */
export function channelsFirst(
  layers: readonly WeightShapes[],
  tensors: ReadonlyMap<string, Tensor>,
): { tensors: Map<string, Tensor>; order: string } | undefined {
  const convolutions = new Map(namedShapes(layers).filter(([, shape]) => shape.length === 4));
  const present = [...convolutions].filter(([name]) => tensors.has(name));
  for (const { words, axes } of ORDERS) {
    const fits = present.every(([name, shape]) => {
      const got = tensors.get(name)?.shape ?? [];
      return got.length === 4 && axes.every((axis, i) => got[axis] === shape[i]);
    });
    if (!fits || present.length === 0) continue;
    const converted = new Map(tensors);
    for (const [name, shape] of present) {
      converted.set(name, reorder(tensors.get(name) as Tensor, shape, axes));
    }
    return { tensors: converted, order: words };
  }
  return undefined;
}

function reorder({ shape: from, data }: Tensor, shape: readonly number[], axes: Order['axes']) {
  const own = rowMajorStrides(from);
  const strides = axes.map((axis) => own[axis]);
  const reordered = new Float32Array(data.length);
  const [target, source] = [reordered, data].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  copyStrided(target, source, { shape, strides, offset: 0 }, 4);
  return { shape, data: reordered };
}
