import { checkNames } from '../checks.ts';
import { inCall } from '../errors.ts';
import * as model from '../model/layers.ts';
import { checkLayer } from './check-layers.ts';

/** The options of `conv3x3`. */
export interface Conv3x3Options {
  /** 2 halves the map: outputs stand on rows and columns 0, 2, 4 and so on. Defaults to 1. */
  readonly stride?: 1 | 2 | undefined;
  /** Defaults to true. */
  readonly bias?: boolean | undefined;
}

/** The options of `conv1x1`. */
export interface Conv1x1Options {
  /** Defaults to true. */
  readonly bias?: boolean | undefined;
}

/** The options of `block`. */
export interface BlockOptions {
  /**
   * True puts `x + pool(x)` in the place of the block's input x. The pool normalises by the mean
   * and the variance of the whole map. Defaults to false.
   */
  readonly pool?: boolean | undefined;
}

/**
 * Makes a 3×3 convolution with zero padding 1, [cin, h, w] → [cout, ⌈h / stride⌉, ⌈w / stride⌉].
 * PyTorch's `nn.Conv2d(cin, cout, 3, stride, padding=1)`.
 *
 * @throws TaesdError ARG
 */
export const conv3x3 = (cin: number, cout: number, options: Conv3x3Options = {}): model.Conv =>
  inCall('conv3x3', () => {
    checkNames(options, ['stride', 'bias']);
    const { stride = 1, bias = true } = options;
    return checkLayer(model.conv3x3(cin, cout, { stride, bias }));
  });

/**
 * Makes a 1×1 convolution: a matrix applied at each pixel. PyTorch's `nn.Conv2d(cin, cout, 1)`.
 *
 * @throws TaesdError ARG
 */
export const conv1x1 = (cin: number, cout: number, options: Conv1x1Options = {}): model.Conv =>
  inCall('conv1x1', () => {
    checkNames(options, ['bias']);
    const { bias = true } = options;
    return checkLayer(model.conv1x1(cin, cout, { bias }));
  });

/** Makes `max(x, 0)`. */
export const relu = (): model.Relu => model.relu();

/**
 * Makes a residual block, `relu(conv(relu(conv(relu(conv(x))))) + skip(x))`: three 3×3 convolutions
 * and a skip connection, a 1×1 convolution without bias if `cin` and `cout` differ. taesd.py's
 * `Block`.
 *
 * @param cout  defaults to `cin`
 * @throws TaesdError ARG
 */
export const block = (cin: number, cout = cin, options: BlockOptions = {}): model.Block =>
  inCall('block', () => {
    checkNames(options, ['pool']);
    const { pool = false } = options;
    return checkLayer(model.block(cin, cout, { pool }));
  });

/** Makes a nearest-neighbour upsampling: each value becomes a 2×2 square. */
export const upsample2x = (): model.Upsample2x => model.upsample2x();

/**
 * Makes a soft clamp, `tanh(x / magnitude) · magnitude`.
 *
 * @param magnitude  defaults to 3, that of taesd.py's `Clamp`
 * @throws TaesdError ARG
 */
export const clamp = (magnitude = model.LATENT_MAGNITUDE): model.Clamp =>
  inCall('clamp', () => checkLayer(model.clamp(magnitude)));

/**
 * Makes channels to pixels, [C·f², h, w] → [C, f·h, f·w]: PyTorch's `nn.PixelShuffle(f)`.
 *
 * @param factor  2 to 64
 * @throws TaesdError ARG
 */
export const pixelShuffle = (factor: number): model.PixelShuffle =>
  inCall('pixelShuffle', () => checkLayer(model.pixelShuffle(factor)));

/**
 * Makes pixels to channels, [C, h, w] → [C·f², ⌈h / f⌉, ⌈w / f⌉]: PyTorch's `nn.PixelUnshuffle(f)`.
 * Pixels past the edge count as 0, where PyTorch requires sizes that f divides.
 *
 * @param factor  2 to 64
 * @throws TaesdError ARG
 */
export const pixelUnshuffle = (factor: number): model.PixelUnshuffle =>
  inCall('pixelUnshuffle', () => checkLayer(model.pixelUnshuffle(factor)));
