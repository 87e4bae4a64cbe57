import type { Tensor } from '../tensor.ts';
import type { Conv, Layer } from './layers.ts';

/*
 * The words and the arithmetic of each kind of layer: one row a kind. `steps` and `inspect` read
 * them; running a network does not need them. Shapes are in geometry.ts.
 */

/** The position of a number in a feature map. */
export interface Position {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** The position of a number of a layer's input, and its weight. */
export type Term = Position & { readonly weight: number };

/** A kind's row. One number of its output is `value(Σ weight · input + bias)`. */
interface LayerKind<Kind extends Layer> {
  /** Returns the layer's code in taesd.py, and PyTorch's name for the pixel shuffles. */
  module(layer: Kind): string;
  /** Returns the layer in words. */
  words(layer: Kind): string;
  /**
   * Returns the terms of the sum, also those past the edge, where numbers count as 0. It is
   * undefined for a kind whose numbers are more than one sum.
   */
  readonly terms:
    | ((layer: Kind, position: Position, weights: ReadonlyMap<string, Tensor>) => readonly Term[])
    | undefined;
  /** Returns the output's number from the sum and its bias. */
  value(layer: Kind, sum: number): number;
}

type RowsByKind = {
  readonly [Kind in Layer['kind']]: LayerKind<Extract<Layer, { kind: Kind }>>;
};

const itself = (_: unknown, sum: number) => sum;

/** Returns the one number at a position, for kinds that change or move single numbers. */
const one = (position: Position): readonly Term[] => [{ ...position, weight: 1 }];

const KINDS: RowsByKind = {
  conv: {
    module: convText,
    words({ kernel, cin, cout, stride, bias }) {
      const steps = stride === 1 ? '' : `, stride ${stride}`;
      return `conv ${kernel}×${kernel} ${cin}→${cout}${steps}${bias ? '' : ', no bias'}`;
    },
    terms: convTerms,
    value: itself,
  },
  block: {
    module({ cin, cout, pool }) {
      return `Block(${cin}, ${cout}${pool ? ', use_midblock_gn=True' : ''})`;
    },
    words({ cin, cout, pool }) {
      const skip = cin === cout ? 'skip' : 'conv 1×1 skip';
      return `block ${cin}→${cout}: ${pool ? 'pool, ' : ''}3 × conv 3×3 + ${skip}`;
    },
    terms: undefined,
    value: itself,
  },
  memBlock: {
    module: ({ channels }) => `MemBlock(${channels}, ${channels})`,
    words({ channels, from, to }) {
      return `memory block ${channels}: 4 × conv 3×3 + skip, ${frameWords(from, to)}`;
    },
    terms: undefined,
    value: itself,
  },
  frameConv: {
    module: ({ conv, from }) => `${from === 1 ? 'TGrow' : 'TPool'} and ${convText(conv)}`,
    words: ({ conv, from, to }) => `${KINDS.conv.words(conv)}, ${frameWords(from, to)}`,
    terms: undefined,
    value: itself,
  },
  relu: {
    module: () => 'nn.ReLU()',
    words: () => 'relu',
    terms: (_, position) => one(position),
    value: (_, sum) => Math.max(sum, 0),
  },
  upsample2x: {
    module: () => 'nn.Upsample(scale_factor=2)',
    words: () => 'upsample ×2, nearest',
    terms: (_, { channel, y, x }) => one({ channel, y: y >> 1, x: x >> 1 }),
    value: itself,
  },
  groupNorm: {
    module: ({ groups, channels }) => `nn.GroupNorm(${groups}, ${channels})`,
    words: ({ groups }) => `group norm, ${groups} groups over the whole map`,
    terms: undefined,
    value: itself,
  },
  clamp: {
    module: () => 'Clamp()',
    words: ({ magnitude }) => `clamp, tanh(x / ${magnitude}) · ${magnitude}`,
    terms: (_, position) => one(position),
    value: ({ magnitude }, sum) => Math.tanh(sum / magnitude) * magnitude,
  },
  pixelShuffle: {
    module: ({ factor }) => `nn.PixelShuffle(${factor})`,
    words: ({ factor }) => `pixel shuffle ×${factor}, channels to pixels`,
    terms: ({ factor }, { channel, y, x }) =>
      one({
        channel: (channel * factor + (y % factor)) * factor + (x % factor),
        y: Math.floor(y / factor),
        x: Math.floor(x / factor),
      }),
    value: itself,
  },
  pixelUnshuffle: {
    module: ({ factor }) => `nn.PixelUnshuffle(${factor})`,
    words: ({ factor }) => `pixel unshuffle ÷${factor}, pixels to channels`,
    terms({ factor }, { channel, y, x }) {
      const pixel = channel % factor ** 2;
      return one({
        channel: Math.floor(channel / factor ** 2),
        y: y * factor + Math.floor(pixel / factor),
        x: x * factor + (pixel % factor),
      });
    },
    value: itself,
  },
};

/** Returns the numbers of frames in words: `2 frames to 1`. */
const frameWords = (from: number, to: number) =>
  `${from} ${from === 1 ? 'frame' : 'frames'} to ${to}`;

/** Returns the row of a layer's kind. Its functions take this layer. */
export const kindOf = (layer: Layer) => KINDS[layer.kind] as LayerKind<Layer>;

/** Writes a convolution. taesd.py's `conv` is a 3×3 convolution with padding 1. */
function convText({ cin, cout, kernel, stride, bias }: Conv): string {
  const options = `${stride === 1 ? '' : `, stride=${stride}`}${bias ? '' : ', bias=False'}`;
  return kernel === 3
    ? `conv(${cin}, ${cout}${options})`
    : `nn.Conv2d(${cin}, ${cout}, ${kernel}${options})`;
}

/** Returns the kernel's whole window in all channels, positions outside the map included. */
function convTerms(
  { cin, kernel, stride }: Conv,
  { channel, y, x }: Position,
  weights: ReadonlyMap<string, Tensor>,
): readonly Term[] {
  const { data } = weights.get('weight') as Tensor;
  const radius = (kernel - 1) / 2;
  const terms: Term[] = [];
  let at = channel * cin * kernel * kernel;
  for (let i = 0; i < cin; i++) {
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        terms.push({
          channel: i,
          y: y * stride + ky - radius,
          x: x * stride + kx - radius,
          weight: data[at++],
        });
      }
    }
  }
  return terms;
}
