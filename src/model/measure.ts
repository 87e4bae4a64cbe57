import { geometryOf } from './geometry.ts';
import {
  blockOps,
  blockSkip,
  type Conv,
  frameOps,
  isFramed,
  type Layer,
  type Network,
  poolOps,
} from './layers.ts';

/** Channels, height, width of one picture, latent or feature map. */
export type Chw = readonly [channels: number, height: number, width: number];

/** The shapes of a layer's weights by name inside the layer: `weight`, `bias`, `conv.0.weight`. */
export type WeightShapes = ReadonlyMap<string, readonly number[]>;

/**
 * Returns a layer's convolutions with their names inside it: `conv.0`, or `''` for the layer. One
 * that is applied to two frames is returned twice.
 */
export function convolutionsOf(layer: Layer): readonly { name: string; conv: Conv }[] {
  if (layer.kind === 'conv') return [{ name: '', conv: layer }];
  if (isFramed(layer))
    return frameOps(layer).ops.flatMap(({ name, conv }) => (conv ? [{ name, conv }] : []));
  if (layer.kind !== 'block') return [];
  const named: { name: string; conv: Conv }[] = [];
  for (const { name, layer: conv } of poolOps(layer)) {
    if (conv.kind === 'conv') named.push({ name, conv });
  }
  named.push(...blockOps(layer).filter((op) => op.kind === 'conv'));
  const conv = blockSkip(layer);
  return conv === undefined ? named : [...named, { name: 'skip', conv }];
}

/**
 * Returns the shapes of a layer's tensors: weights [cout, cin, k, k], biases [cout], and both
 * [channels] for a normalisation.
 */
export function weightShapes(layer: Layer): WeightShapes {
  const shapes = new Map<string, readonly number[]>();
  const norms = layer.kind === 'block' ? poolOps(layer) : [{ name: '', layer }];
  for (const { name, layer: norm } of norms) {
    if (norm.kind !== 'groupNorm') continue;
    const prefix = name === '' ? '' : `${name}.`;
    shapes.set(`${prefix}weight`, [norm.channels]);
    shapes.set(`${prefix}bias`, [norm.channels]);
  }
  for (const { name, conv } of convolutionsOf(layer)) {
    const prefix = name === '' ? '' : `${name}.`;
    shapes.set(`${prefix}weight`, [conv.cout, conv.cin, conv.kernel, conv.kernel]);
    if (conv.bias) shapes.set(`${prefix}bias`, [conv.cout]);
  }
  return shapes;
}

/** Counts a layer's trained numbers. */
export function countParameters(layer: Layer): number {
  let count = 0;
  for (const shape of weightShapes(layer).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** Returns the shape of a layer's output for an input of shape `input`. */
export function outputShape(layer: Layer, [inputChannels, height, width]: Chw): Chw {
  const [up, down, , , channels] = geometryOf(layer, inputChannels);
  return [channels, Math.ceil((height * up) / down), Math.ceil((width * up) / down)];
}

/**
 * Returns the channels that a network reads: those of its first convolution or block, before the
 * pixel shuffles ahead of it.
 */
export function inputChannels(network: Network): number {
  /** The channels of a map for each channel of the input. */
  let ratio = 1;
  for (const layer of network) {
    if ('cin' in layer) return Math.max(1, Math.round(layer.cin / ratio));
    [, , , , ratio] = geometryOf(layer, ratio);
  }
  return 0;
}

/** Returns the multiply-adds that a convolution takes for one pixel of its output. */
export const pixelMultiplyAdds = ({ cin, cout, kernel }: Conv): number => cin * cout * kernel ** 2;

/** Counts the multiply-adds of a layer's convolutions. Padding counts like data. */
export function countMultiplyAdds(layer: Layer, input: Chw): number {
  const [, height, width] = outputShape(layer, input);
  let perPixel = 0;
  for (const { conv } of convolutionsOf(layer)) perPixel += pixelMultiplyAdds(conv);
  return perPixel * height * width;
}

/** One row of `describeNetwork`'s table. */
export interface LayerRow {
  /** The layer's number in the list. */
  readonly index: number;
  readonly layer: Layer;
  readonly input: Chw;
  readonly output: Chw;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Returns one row a layer of a network, for an input of shape `input`. */
export function describeNetwork(network: Network, input: Chw): LayerRow[] {
  let shape = input;
  return network.map((layer, index) => {
    const row: LayerRow = {
      index,
      layer,
      input: shape,
      output: outputShape(layer, shape),
      parameters: countParameters(layer),
      multiplyAdds: countMultiplyAdds(layer, shape),
    };
    shape = row.output;
    return row;
  });
}
