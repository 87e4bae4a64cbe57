import { geometryOf, type InputRange, inputRange } from './geometry.ts';
import type { Layer, Network } from './layers.ts';

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
 * square of input elements it stands for (encoder: its downscale in both directions).
 */
export function receptiveField(network: Network): ReceptiveField {
  // The field repeats with the upsampling factor. Positions may be negative: nothing is cut here.
  const factor = network.reduce((product, layer) => product * geometryOf(layer)[0], 1);
  let before = 0;
  let after = 0;
  for (let phase = 0; phase < factor; phase++) {
    const output = { first: phase, last: phase };
    const field = walkBack(network, output, inputRange);
    const cell = walkBack(network, output, cellRange);
    before = Math.max(before, cell.first - field.first);
    after = Math.max(after, field.last - cell.last);
  }
  return { before, after };
}

/** Applies a function from a layer's output to its input to all layers, the last one first. */
function walkBack(network: Network, from: InputRange, step: typeof inputRange): InputRange {
  return [...network].reverse().reduce((range, layer) => step(layer, range), from);
}

/** Returns the input elements that a range of the output stands for, without their neighbours. */
function cellRange(layer: Layer, { first, last }: InputRange): InputRange {
  const [up, down] = geometryOf(layer);
  return { first: Math.floor(first / up) * down, last: Math.floor(last / up) * down + down - 1 };
}
