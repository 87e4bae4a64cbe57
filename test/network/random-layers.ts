import {
  block,
  type Conv,
  clamp,
  type Layer,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import { type Chw, outputShape } from '../../src/model/measure.ts';

/** A network of random layers, and the shape of an input. */
export interface RandomNetwork {
  readonly layers: Network;
  readonly input: Chw;
}

/** The widest map, and the pixels of the largest. */
const MAX_WIDTH = 70;
const MAX_PIXELS = 1600;
/**
 * The fewest channels of a block with a pool. The variance of a pixel or two of fewer channels may
 * be next to 0, and dividing by its root makes large errors of the smallest ones.
 */
const MIN_POOLED = 5;

/** Makes one to eight layers of every kind, and an input of 1×1 to 40×30. */
export function randomLayers(random: () => number): RandomNetwork {
  const upTo = (max: number) => 1 + Math.floor(random() * max);
  const oneOf = <T>(...items: readonly T[]): T => items[upTo(items.length) - 1];
  // Half of the widths are those that Winograd's kernels take.
  const width = () => oneOf(upTo(MAX_WIDTH), 16 * upTo(4));
  const conv = (cin: number, cout: number): Conv => ({
    kind: 'conv',
    cin,
    cout,
    kernel: oneOf(1, 3, 3),
    stride: oneOf(1, 1, 2),
    bias: oneOf(true, false),
  });
  /** The smaller ones are more frequent. */
  const side = (max: number) => 1 + Math.floor(random() ** 2 * max);
  const layers: Layer[] = [];
  const input: Chw = [upTo(MAX_WIDTH), side(30), side(40)];
  let shape = input;
  const add = (layer: Layer) => {
    layers.push(layer);
    shape = outputShape(layer, shape);
  };
  const count = upTo(7);
  for (let n = 0; n < count; n++) {
    const [channels, rows, columns] = shape;
    const factor = oneOf(2, 3, 4);
    const mayGrow = (by: number) => rows * columns * by ** 2 <= MAX_PIXELS;
    switch (upTo(8)) {
      case 1:
        add(relu());
        break;
      case 2:
        add(clamp(1 + 3 * random()));
        break;
      case 3:
        add(block(channels, oneOf(channels, width()), { pool: channels >= MIN_POOLED }));
        break;
      case 4:
        add(block(channels, oneOf(channels, width())));
        break;
      case 5:
        if (mayGrow(2)) add(upsample2x());
        break;
      case 6:
        if (!mayGrow(factor)) break;
        if (channels % factor ** 2 !== 0) add(conv(channels, factor ** 2 * upTo(4)));
        add(pixelShuffle(factor));
        break;
      case 7:
        if (channels * factor ** 2 <= MAX_WIDTH) add(pixelUnshuffle(factor));
        break;
      default:
        add(conv(channels, width()));
    }
  }
  const givesChannels = layers.some((layer) => 'cin' in layer);
  if (!givesChannels) add(conv(shape[0], width()));
  return { layers, input };
}
