import type { Layer, Network } from './layers.ts';
import { mainPath } from './measure.ts';

/** The distance that one output element reaches into the input along either axis. */
export interface ReceptiveField {
  /** Input elements above or left of the cell under the output element. */
  readonly before: number;
  /** Input elements below or right of that cell. */
  readonly after: number;
}

/**
 * Returns the receptive field of a network, the largest over all positions away from the borders.
 * The cell under an output element is the input element it was upsampled from (decoder), or the
 * square of input elements it stands for (encoder: 8×8).
 */
export function receptiveField(network: Network): ReceptiveField {
  // The field repeats with the upsampling factor. Positions may be negative: nothing is cut here.
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

/** Returns the factor by which a layer enlarges its input along each axis. */
function upsamplingOf(layer: Layer): number {
  if (layer.kind === 'upsample2x') return 2;
  return layer.kind === 'pixelShuffle' ? layer.factor : 1;
}

/** Applies `inputRange` to all layers from the last to the first. */
function walkBack(network: Network, first: number, last: number, reach: boolean): InputRange {
  return network
    .toReversed()
    .reduce((range, layer) => inputRange(layer, range, reach), { first, last });
}

/** Elements along an axis, `first` and `last` included. */
export interface InputRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Returns the range of a layer's input that a range of its output depends on, along either axis.
 * The range may go past the edges, where elements count as 0.
 *
 * @param reach  false leaves out a kernel's neighbours; defaults to true
 */
export function inputRange(
  layer: Layer,
  { first, last }: InputRange,
  reach: boolean = true,
): InputRange {
  switch (layer.kind) {
    case 'upsample2x':
    case 'pixelShuffle': {
      const factor = upsamplingOf(layer);
      return { first: Math.floor(first / factor), last: Math.floor(last / factor) };
    }
    case 'pixelUnshuffle':
      return { first: first * layer.factor, last: last * layer.factor + layer.factor - 1 };
    case 'conv': {
      const radius = reach ? (layer.kernel - 1) / 2 : 0;
      const own = reach ? 0 : layer.stride - 1;
      return { first: first * layer.stride - radius, last: last * layer.stride + radius + own };
    }
    case 'block': {
      const radius = reach ? mainPath(layer).length : 0;
      return { first: first - radius, last: last + radius };
    }
    case 'relu':
    case 'clamp':
      return { first, last };
  }
}
