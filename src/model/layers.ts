/** The two halves of a model. */
export type Half = 'encoder' | 'decoder';

/**
 * The vocabulary of which the networks are made. A layer is data: it can be printed, counted, bound to
 * weights (`bind.ts`) and run by any backend. Source: taesd.py, https://github.com/madebyollin/taesd; the two pixel
 * shuffles, which `nano` alone uses: PyTorch's `nn.PixelShuffle` and `nn.PixelUnshuffle`.
 */
export type Layer = Conv | Relu | Block | Upsample2x | Clamp | PixelShuffle | PixelUnshuffle;

/** A convolution: kernel 3 with zero padding 1, or kernel 1 with none; the picture is ⌈size / stride⌉. */
export interface Conv {
  readonly kind: 'conv';
  readonly cin: number;
  readonly cout: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly bias: boolean;
}

/** `max(x, 0)` */
export interface Relu {
  readonly kind: 'relu';
}

/**
 * `relu(conv(relu(conv(relu(conv(x))))) + skip(x))`: three 3×3 convolutions beside a skip connection.
 * The skip is the identity, or, where widths differ, a 1×1 convolution without bias.
 */
export interface Block {
  readonly kind: 'block';
  readonly cin: number;
  readonly cout: number;
}

/** Nearest-neighbour upsampling: each value becomes a 2×2 square. */
export interface Upsample2x {
  readonly kind: 'upsample2x';
}

/** `tanh(x / magnitude) · magnitude`: a soft clamp to ±magnitude. */
export interface Clamp {
  readonly kind: 'clamp';
  readonly magnitude: number;
}

/**
 * Channels to pixels: [C·f², H, W] → [C, f·H, f·W]. Pixel (f·y + i, f·x + j) of channel c was channel c·f² + i·f + j of
 * pixel (y, x).
 */
export interface PixelShuffle {
  readonly kind: 'pixelShuffle';
  readonly factor: number;
}

/**
 * Pixels to channels, the reverse: [C, H, W] → [C·f², ⌈H / f⌉, ⌈W / f⌉]. What lies past the edge counts as 0, where PyTorch
 * wants sizes that f divides.
 */
export interface PixelUnshuffle {
  readonly kind: 'pixelUnshuffle';
  readonly factor: number;
}

/** A network is a list of layers; each layer's number in it is its number in taesd.py. */
export type Network = readonly Layer[];

/** Channels between the layers of both networks: taesd.py's `64`. */
export const CHANNELS = 64;

/** 3×3 convolution, zero padding 1. */
export function conv3x3(
  cin: number,
  cout: number,
  { stride = 1, bias = true }: { stride?: 1 | 2; bias?: boolean } = {},
): Conv {
  return { kind: 'conv', cin, cout, kernel: 3, stride, bias };
}

/** 1×1 convolution: a matrix applied at each pixel. */
export function conv1x1(cin: number, cout: number, { bias = true } = {}): Conv {
  return { kind: 'conv', cin, cout, kernel: 1, stride: 1, bias };
}

export const relu = (): Relu => ({ kind: 'relu' });

export const block = (cin: number, cout = cin): Block => ({ kind: 'block', cin, cout });

export const upsample2x = (): Upsample2x => ({ kind: 'upsample2x' });

/** taesd.py's `Clamp`: latents are drawn softly into ±3. */
export const LATENT_MAGNITUDE = 3;

export const clamp = (magnitude = LATENT_MAGNITUDE): Clamp => ({ kind: 'clamp', magnitude });

export const pixelShuffle = (factor: number): PixelShuffle => ({ kind: 'pixelShuffle', factor });

export const pixelUnshuffle = (factor: number): PixelUnshuffle => ({
  kind: 'pixelUnshuffle',
  factor,
});

/** A step inside a layer: an operator, its weights' place in the layer (taesd.py's `conv.0`), its layer. */
export type Step =
  | { readonly kind: 'conv'; readonly name: string; readonly conv: Conv }
  | { readonly kind: 'relu' };

/** The main path of a block: three convolutions, named as in taesd.py, with a ReLU after the first two. */
export function blockSteps({ cin, cout }: Block): readonly Step[] {
  return [
    { kind: 'conv', name: 'conv.0', conv: conv3x3(cin, cout) },
    { kind: 'relu' },
    { kind: 'conv', name: 'conv.2', conv: conv3x3(cout, cout) },
    { kind: 'relu' },
    { kind: 'conv', name: 'conv.4', conv: conv3x3(cout, cout) },
  ];
}

/** The skip connection of a block: undefined for the identity. */
export function blockSkip({ cin, cout }: Block): Conv | undefined {
  return cin === cout ? undefined : conv1x1(cin, cout, { bias: false });
}
