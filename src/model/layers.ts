/** The two halves of a model. */
export type Half = 'encoder' | 'decoder';

/**
 * A layer of a network. A layer is data: it can be printed, counted, bound to weights (`bind.ts`)
 * and run by any backend. `nano` and `taeqi2_1` use the two pixel shuffles.
 * Source: taesd.py, https://github.com/madebyollin/taesd; for the pixel shuffles PyTorch's
 * `nn.PixelShuffle` and `nn.PixelUnshuffle`.
 */
export type Layer =
  | Conv
  | Relu
  | Block
  | MemBlock
  | FrameConv
  | GroupNorm
  | Upsample2x
  | Clamp
  | PixelShuffle
  | PixelUnshuffle;

/** A convolution: kernel 3 with zero padding 1, or kernel 1. The output is ⌈size / stride⌉. */
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
 * `relu(conv(relu(conv(relu(conv(x))))) + skip(x))`: three 3×3 convolutions and a skip connection.
 * The skip is the identity if `cin` equals `cout`, otherwise a 1×1 convolution without bias.
 */
export interface Block {
  readonly kind: 'block';
  readonly cin: number;
  readonly cout: number;
  /**
   * True if `x + pool(x)` takes the place of x, in the skip connection too. The pool normalises by
   * the mean and the variance of the whole map, so the block needs the map before it whole.
   */
  readonly pool: boolean;
}

/**
 * The frames of a video in one map: the channels of the earlier frame, then those of the later one.
 * Only models of videos have two.
 */
export type Frames = 1 | 2;

/**
 * A block with a memory: `relu(conv(relu(conv(relu(conv(x) + past(p))))) + x)` for each frame x.
 * Its past p is the frame before x, and 0 for the first frame, where `past(p)` falls away.
 * Upstream's MemBlock has `conv` and `past` as one convolution over the channels of x and p.
 * Source: taehv.py, https://github.com/madebyollin/taehv
 */
export interface MemBlock {
  readonly kind: 'memBlock';
  /** The channels of a frame. */
  readonly channels: number;
  /** The frames it reads. One frame stands for two that are equal. */
  readonly from: Frames;
  /** The frames it makes. One is the later of two. */
  readonly to: Frames;
}

/**
 * Convolutions from one frame to two, one for each, or from two frames to one, which is the sum of
 * one for each. They have no bias. Upstream's TGrow and TPool are part of them.
 */
export interface FrameConv {
  readonly kind: 'frameConv';
  /** The convolution from a frame to a frame. */
  readonly conv: Conv;
  readonly from: Frames;
  readonly to: Frames;
}

/**
 * Group normalisation: `(x − mean) / √(variance + epsilon) · weight + bias`. Mean and variance are
 * those of a group of neighbouring channels over the whole map; weight and bias belong to a
 * channel. The variance divides by the count of numbers.
 */
export interface GroupNorm {
  readonly kind: 'groupNorm';
  readonly groups: number;
  readonly channels: number;
  readonly epsilon: number;
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
 * Channels to pixels: [C·f², H, W] → [C, f·H, f·W]. Channel c·f² + i·f + j of pixel (y, x) becomes
 * channel c of pixel (f·y + i, f·x + j).
 */
export interface PixelShuffle {
  readonly kind: 'pixelShuffle';
  readonly factor: number;
}

/**
 * Pixels to channels, the inverse of `PixelShuffle`: [C, H, W] → [C·f², ⌈H / f⌉, ⌈W / f⌉]. Pixels
 * past the edge count as 0, while PyTorch requires sizes that f divides.
 */
export interface PixelUnshuffle {
  readonly kind: 'pixelUnshuffle';
  readonly factor: number;
}

/**
 * A list of layers. A layer's index is its number in taesd.py. In a model of videos some of
 * taehv.py's layers are part of the layer after them (taew.ts).
 */
export type Network = readonly Layer[];

/** Channels between the layers of both halves: taesd.py's `64`. */
export const CHANNELS = 64;

/** Makes a 3×3 convolution with zero padding 1. */
export function conv3x3(
  cin: number,
  cout: number,
  { stride = 1, bias = true }: { stride?: 1 | 2; bias?: boolean } = {},
): Conv {
  return { kind: 'conv', cin, cout, kernel: 3, stride, bias };
}

/** Makes a 1×1 convolution: a matrix applied at each pixel. */
export function conv1x1(cin: number, cout: number, { bias = true } = {}): Conv {
  return { kind: 'conv', cin, cout, kernel: 1, stride: 1, bias };
}

export const relu = (): Relu => ({ kind: 'relu' });

/** Makes a block. `pool` is taesd.py's `use_midblock_gn`. */
export const block = (cin: number, cout = cin, { pool = false } = {}): Block => ({
  kind: 'block',
  cin,
  cout,
  pool,
});

/** Makes the convolution that halves a map. */
export const halve = (cin = CHANNELS, cout = cin): Conv =>
  conv3x3(cin, cout, { stride: 2, bias: false });

/** Makes the convolution that follows an upsampling. */
export const smooth = (cin = CHANNELS, cout = cin): Conv => conv3x3(cin, cout, { bias: false });

/** Makes a block with a memory, from two frames to two unless `from` or `to` is 1. */
export const memBlock = (
  channels: number,
  { from = 2, to = 2 }: { from?: Frames; to?: Frames } = {},
): MemBlock => ({ kind: 'memBlock', channels, from, to });

/** Makes convolutions from one frame to two, or from two to one. */
export const frameConv = (conv: Conv, from: Frames): FrameConv => ({
  kind: 'frameConv',
  conv,
  from,
  to: from === 1 ? 2 : 1,
});

/** Makes a group normalisation with PyTorch's default of epsilon. */
export const groupNorm = (groups: number, channels: number): GroupNorm => ({
  kind: 'groupNorm',
  groups,
  channels,
  epsilon: 1e-5,
});

export const upsample2x = (): Upsample2x => ({ kind: 'upsample2x' });

/** The range of latents, ±3, into which taesd.py's `Clamp` draws them softly. */
export const LATENT_MAGNITUDE = 3;

export const clamp = (magnitude = LATENT_MAGNITUDE): Clamp => ({ kind: 'clamp', magnitude });

export const pixelShuffle = (factor: number): PixelShuffle => ({ kind: 'pixelShuffle', factor });

export const pixelUnshuffle = (factor: number): PixelUnshuffle => ({
  kind: 'pixelUnshuffle',
  factor,
});

/** An operation on a block's main path. `name` is its weights' name in the block (`conv.0`). */
export type BlockOp =
  | { readonly kind: 'conv'; readonly name: string; readonly conv: Conv }
  | { readonly kind: 'relu' };

/** An operation of a block's pool, with its name in the block (`pool.1`). */
export interface PoolOp<Kind extends Layer = Conv | GroupNorm | Relu> {
  readonly name: string;
  readonly layer: Kind;
}

/** A 1×1 convolution, a normalisation, a ReLU and a 1×1 convolution back. */
export type PoolOps = readonly [PoolOp<Conv>, PoolOp<GroupNorm>, PoolOp<Relu>, PoolOp<Conv>];

/** The groups of a pool's normalisation, and its channels for each of the block's. */
const POOL_GROUPS = 4;
const POOL_WIDENING = 4;

/** Returns the operations of a block's pool; none if it has no pool. */
export function poolOps({ cin, pool }: Block): PoolOps | readonly [] {
  if (!pool) return [];
  const channels = POOL_WIDENING * cin;
  return [
    { name: 'pool.0', layer: conv1x1(cin, channels, { bias: false }) },
    { name: 'pool.1', layer: groupNorm(POOL_GROUPS, channels) },
    { name: 'pool.2', layer: relu() },
    { name: 'pool.3', layer: conv1x1(channels, cin, { bias: false }) },
  ];
}

/** Returns true for a layer that needs the map before it whole. */
export const needsWholeMap = (layer: Layer): boolean =>
  layer.kind === 'groupNorm' || (layer.kind === 'block' && layer.pool);

/** Returns a block's main path: three convolutions with a ReLU after the first two. */
export function blockOps({ cin, cout }: Block): readonly BlockOp[] {
  return [
    { kind: 'conv', name: 'conv.0', conv: conv3x3(cin, cout) },
    { kind: 'relu' },
    { kind: 'conv', name: 'conv.2', conv: conv3x3(cout, cout) },
    { kind: 'relu' },
    { kind: 'conv', name: 'conv.4', conv: conv3x3(cout, cout) },
  ];
}

/** Returns the convolution of a block's skip connection, or undefined for the identity. */
export function blockSkip({ cin, cout }: Block): Conv | undefined {
  return cin === cout ? undefined : conv1x1(cin, cout, { bias: false });
}

/** Returns true for a layer that reads or makes two frames. */
export const isFramed = (layer: Layer): layer is MemBlock | FrameConv => 'from' in layer;

/**
 * A convolution of one frame, if `conv` is there, then a value that is added, then a ReLU. Values 0
 * to `from` − 1 are the frames of the layer's input. Each operation makes the next one.
 */
export interface FrameOp {
  /** The frame it is made for: 0 is the earlier one. */
  readonly frame: number;
  /** The name of its weights in the layer: `past`, `conv.0`; `relu` without a convolution. */
  readonly name: string;
  readonly conv: Conv | undefined;
  readonly input: number;
  readonly add: number | undefined;
  readonly relu: boolean;
}

/** Returns the operations of a layer on frames, and the values that are its output's frames. */
export function frameOps(layer: MemBlock | FrameConv): {
  readonly ops: readonly FrameOp[];
  readonly outputs: readonly number[];
} {
  const { from, to } = layer;
  const ops: FrameOp[] = [];
  const push = (frame: number, name: string, input: number, fused: Partial<FrameOp>): number => {
    const op = { conv: undefined, add: undefined, relu: false, ...fused };
    return from - 1 + ops.push({ frame, name, input, ...op });
  };
  if (layer.kind === 'frameConv') {
    const { conv } = layer;
    const first = push(0, '0', 0, { conv });
    if (to === 2) return { ops, outputs: [first, push(1, '1', 0, { conv })] };
    return { ops, outputs: [push(0, '1', 1, { conv, add: first })] };
  }
  const conv = conv3x3(layer.channels, layer.channels);
  const past = { ...conv, bias: false };
  const finish = (frame: number, x: number, bent: number): number => {
    const next = push(frame, 'conv.2', bent, { conv, relu: true });
    return push(frame, 'conv.4', next, { conv, add: x, relu: true });
  };
  const outputs: number[] = [];
  let later: number;
  if (from === 1) {
    // Both frames are x. The earlier one has conv(x), to which the later one adds past(x).
    const sum = push(0, 'conv.0', 0, { conv });
    outputs.push(finish(0, 0, push(0, 'relu', sum, { relu: true })));
    later = push(1, 'past', 0, { conv: past, add: sum, relu: true });
  } else {
    if (to === 2) outputs.push(finish(0, 0, push(0, 'conv.0', 0, { conv, relu: true })));
    const add = push(1, 'past', 0, { conv: past });
    later = push(1, 'conv.0', 1, { conv, add, relu: true });
  }
  outputs.push(finish(1, from - 1, later));
  return { ops, outputs };
}
