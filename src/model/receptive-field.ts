import type { Layer, Network } from './layers.ts';
import { mainPath } from './measure.ts';

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
function walkBack(network: Network, first: number, last: number, reach: boolean): InputRange {
  return network
    .toReversed()
    .reduce((range, layer) => inputRange(layer, range, reach), { first, last });
}

/** Elements along an axis, both ends among them. */
export interface InputRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The elements of a layer's input that elements first … last of its output depend on, along either axis; those past the
 * edges, which count as 0, are among them.
 *
 * @param reach  false for the elements that the output stands for, without a kernel's neighbours
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
