import {
  type Block,
  blockSkip,
  blockSteps,
  type Conv,
  type Layer,
  type Network,
} from './layers.ts';

/** Channels, height, width of one picture, latent or feature map. */
export type Chw = readonly [channels: number, height: number, width: number];

/** The shape of a layer's weights, by its name inside the layer: `weight`, `bias`, `conv.0.weight`. */
export type WeightShapes = ReadonlyMap<string, readonly number[]>;

/** The convolutions inside a layer, each with the name of its weights' place (`''` for the layer itself). */
export function convolutionsOf(layer: Layer): readonly { name: string; conv: Conv }[] {
  if (layer.kind === 'conv') return [{ name: '', conv: layer }];
  if (layer.kind === 'block') return [...mainPath(layer), ...skipPath(layer)];
  return [];
}

const mainPath = (layer: Block) => blockSteps(layer).filter((step) => step.kind === 'conv');

function skipPath(layer: Block): { name: string; conv: Conv }[] {
  const conv = blockSkip(layer);
  return conv === undefined ? [] : [{ name: 'skip', conv }];
}

/** The tensors that a layer needs: weights [cout, cin, k, k], biases [cout]. */
export function weightShapes(layer: Layer): WeightShapes {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, conv } of convolutionsOf(layer)) {
    const prefix = name === '' ? '' : `${name}.`;
    shapes.set(`${prefix}weight`, [conv.cout, conv.cin, conv.kernel, conv.kernel]);
    if (conv.bias) shapes.set(`${prefix}bias`, [conv.cout]);
  }
  return shapes;
}

/** The number of trained numbers in a layer. */
export function countParameters(layer: Layer): number {
  let count = 0;
  for (const shape of weightShapes(layer).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** The shape that a layer gives for an input of shape `input`. */
export function outputShape(layer: Layer, [channels, height, width]: Chw): Chw {
  switch (layer.kind) {
    case 'conv':
      return [layer.cout, Math.ceil(height / layer.stride), Math.ceil(width / layer.stride)];
    case 'block':
      return [layer.cout, height, width];
    case 'upsample2x':
      return [channels, 2 * height, 2 * width];
    case 'pixelShuffle':
      return [channels / layer.factor ** 2, layer.factor * height, layer.factor * width];
    case 'pixelUnshuffle': {
      const { factor } = layer;
      return [channels * factor ** 2, Math.ceil(height / factor), Math.ceil(width / factor)];
    }
    case 'relu':
    case 'clamp':
      return [channels, height, width];
  }
}

/** The multiply-adds of a layer's convolutions, padding counted as if it were data. */
export function countMultiplyAdds(layer: Layer, input: Chw): number {
  const [, height, width] = outputShape(layer, input);
  let perPixel = 0;
  for (const { conv } of convolutionsOf(layer)) perPixel += conv.cin * conv.cout * conv.kernel ** 2;
  return perPixel * height * width;
}

/** One row of the table that `describeNetwork` gives. */
export interface LayerRow {
  /** The layer's number in taesd.py. */
  readonly index: number;
  readonly layer: Layer;
  readonly input: Chw;
  readonly output: Chw;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Walks a network with an input's shape: a row for each layer. */
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

/** How far one output reaches into the input, in input elements, along either axis. */
export interface ReceptiveField {
  /** Elements above or left of the cell that lies under the output element. */
  readonly before: number;
  /** Elements below or right of it. */
  readonly after: number;
}

/**
 * The receptive field of a network. The cell under an output element is the one input element that it was
 * upsampled from (decoder), or the square of input elements that it stands for (encoder: 8×8).
 * The largest over all positions, away from the borders.
 */
export function receptiveField(network: Network): ReceptiveField {
  // Positions repeat with the upsampling factor; far enough from 0 that nothing is negative.
  const factor = network.reduce((product, layer) => product * upsamplingOf(layer), 1);
  let before = 0;
  let after = 0;
  for (let phase = 0; phase < factor; phase++) {
    const field = walkBack(network, phase, phase, true);
    const cell = walkBack(network, phase, phase, false);
    before = Math.max(before, cell.first - field.first);
    after = Math.max(after, field.last - cell.last);
  }
  return { before, after };
}

/** How many times as wide and high a layer makes its input. */
function upsamplingOf(layer: Layer): number {
  if (layer.kind === 'upsample2x') return 2;
  return layer.kind === 'pixelShuffle' ? layer.factor : 1;
}

/** The inputs first … last that outputs first … last depend on; without `reach`, those they stand for. */
function walkBack(network: Network, first: number, last: number, reach: boolean) {
  for (const layer of network.toReversed()) {
    if (layer.kind === 'upsample2x' || layer.kind === 'pixelShuffle') {
      first = Math.floor(first / upsamplingOf(layer));
      last = Math.floor(last / upsamplingOf(layer));
    } else if (layer.kind === 'pixelUnshuffle') {
      first *= layer.factor;
      last = last * layer.factor + layer.factor - 1;
    } else if (layer.kind === 'conv') {
      const radius = reach ? (layer.kernel - 1) / 2 : 0;
      first = first * layer.stride - radius;
      last = last * layer.stride + (reach ? radius : layer.stride - 1);
    } else if (layer.kind === 'block') {
      const radius = reach ? mainPath(layer).length : 0;
      first -= radius;
      last += radius;
    }
  }
  return { first, last };
}
