import { type BoundLayer, type BoundNetwork, bindNetwork, layerWeights } from '../model/bind.ts';
import { type Half, isFramed, type Layer } from '../model/layers.ts';
import { storedLayers } from '../model/stored.ts';
import type { Variant } from '../model/variants.ts';
import type { Tensor } from '../tensor.ts';

/*
 * From the layers of a video model's file to those that are computed for one picture (taew.ts).
 */

/**
 * Gives the layers of a half their tensors, folded if the model is one of videos.
 *
 * @throws TaesdError as `bindNetwork`
 */
export function bindHalf(
  variant: Variant,
  half: Half,
  tensors: ReadonlyMap<string, Tensor>,
  hintFor?: Parameters<typeof bindNetwork>[3],
): BoundNetwork {
  if (!variant.isOfVideos) return bindNetwork(half, variant.networks[half], tensors, hintFor);
  const layers = storedLayers(variant, half);
  const rest = layerWeights(half, layers.flat(), tensors, hintFor);
  return variant.networks[half].map((layer, index) =>
    fold(layer, rest.splice(0, layers[index].length)),
  );
}

/** Makes the weights of a layer from those of the file's layers that it is made of. */
function fold(layer: Layer, stored: readonly BoundLayer['weights'][]): BoundLayer {
  const [own, after] = stored;
  if (after !== undefined) {
    const inFrames = own.get('conv.weight') as Tensor;
    const conv = after.get('weight') as Tensor;
    if (isFramed(layer)) {
      const kernels = partsOf(inFrames, conv).map((part) => product(conv, part));
      return { layer, weights: new Map(kernels.map((kernel, n) => [`${n}.weight`, kernel])) };
    }
    return { layer, weights: new Map([['weight', product(conv, oneFrame(inFrames, conv))]]) };
  }
  if (layer.kind !== 'block' && layer.kind !== 'memBlock') return { layer, weights: own };
  const [x, past] = halvesOf(own.get('conv.0.weight') as Tensor, 1);
  const weights = new Map(own).set('conv.0.weight', x);
  // A plain block's frame has no past.
  return { layer, weights: layer.kind === 'block' ? weights : weights.set('past.weight', past) };
}

/** A TPool's rows are the channels that the convolution reads. A TGrow may have twice as many. */
const isPool = ([rows, columns]: readonly number[]): boolean => columns > rows;

/** Returns the parts of a TPool or TGrow, one for each of two frames; the whole for one frame. */
function partsOf(inFrames: Tensor, conv: Tensor): readonly Tensor[] {
  const { shape } = inFrames;
  if (isPool(shape)) return halvesOf(inFrames, 1);
  return shape[0] > conv.shape[1] ? halvesOf(inFrames, 0) : [inFrames];
}

/** Returns the 1×1 convolution for a TPool of equal frames, or for the last frame of a TGrow. */
function oneFrame(inFrames: Tensor, conv: Tensor): Tensor {
  const parts = partsOf(inFrames, conv);
  const last = parts[parts.length - 1];
  if (!isPool(inFrames.shape)) return last;
  const [{ shape, data }] = parts;
  return { shape, data: data.map((value, i) => value + last.data[i]) };
}

/** Returns the halves of weights [cout, cin, k, k] along the axis of their outputs or inputs. */
function halvesOf({ shape, data }: Tensor, axis: 0 | 1): Tensor[] {
  const half = shape.map((size, i) => (i === axis ? size / 2 : size));
  const length = half.slice(axis).reduce((a, b) => a * b, 1);
  return [0, 1].map((n) => {
    const part = new Float32Array(data.length / 2);
    for (let to = 0; to < part.length; to += length) {
      const from = 2 * to + n * length;
      part.set(data.subarray(from, from + length), to);
    }
    return { shape: half, data: part };
  });
}

/** Returns the weights of a convolution [cout, m, k, k] after a 1×1 convolution [m, cin, 1, 1]. */
function product(conv: Tensor, before: Tensor): Tensor {
  const [cout, between, kernel] = conv.shape;
  const cin = before.shape[1];
  const area = kernel * kernel;
  const data = new Float32Array(cout * cin * area);
  const sums = new Float64Array(cin * area);
  for (let o = 0; o < cout; o++) {
    sums.fill(0);
    for (let m = 0; m < between; m++) {
      const taps = conv.data.subarray((o * between + m) * area, (o * between + m + 1) * area);
      for (let i = 0; i < cin; i++) {
        const factor = before.data[m * cin + i];
        for (let k = 0; k < area; k++) sums[i * area + k] += taps[k] * factor;
      }
    }
    data.set(sums, o * cin * area);
  }
  return { shape: [cout, cin, kernel, kernel], data };
}
