import type { Position } from '../model/kinds.ts';
import type { Half, Layer } from '../model/layers.ts';
import type { Tensor } from '../tensor.ts';
import type {
  AlphaOptions,
  RangeOptions,
  RunOptions,
  ScaleOptions,
  SpaceOptions,
} from './types.ts';

/** The options of `taesd.steps`. */
export interface StepsOptions
  extends Pick<RunOptions, 'signal' | 'allowNonFinite'>,
    AlphaOptions,
    RangeOptions,
    ScaleOptions,
    SpaceOptions {
  /**
   * The half to run. Defaults to the encoder for pictures and tensors of 3 channels, otherwise the
   * decoder.
   */
  readonly part?: Half | undefined;
}

/** The sum of two feature maps: a block's main path and its skip connection. */
export interface Add {
  readonly kind: 'add';
}

/**
 * One layer, or one operation inside a block, that has just run.
 *
 * The tensors are not copied from step to step: a step's output is the next one's input. They are
 * the caller's to keep. Numbers written into an output before the next step is requested are what
 * that step reads, so a channel can be set to 0 to see the effect on the picture.
 */
export interface Step {
  readonly part: Half;
  /** The layer's number in taesd.py's `Encoder` or `Decoder`; inside a block, the operation's. */
  readonly index: number;
  /** Its name in taesd.py, the prefix of its weights' names: `decoder.3`, `decoder.3.conv.0`. */
  readonly name: string;
  /** Its code in taesd.py: `conv(64, 64, bias=False)`, `Block(64, 64)`, `nn.ReLU()`. */
  readonly module: string;
  /** The layer as data: its kind, and its kernel, stride, factor or magnitude. */
  readonly layer: Layer | Add;
  /** Its input, [1, C, H, W]: one tensor; two for an `add`, the second from the skip connection. */
  readonly inputs: readonly Tensor[];
  /** The output's shape, [1, C, H, W]. */
  readonly shape: readonly number[];
  /** f32 [1, C, H, W] */
  readonly output: Tensor;
  /**
   * A copy of its weights: `weight` [cout, cin, k, k], `bias` [cout]; of a block `conv.0.weight`
   * etc.
   */
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly parameters: number;
  /** Multiply-adds of its convolutions, done directly, with padding counted as data. */
  readonly multiplyAdds: number;
  /** The kernels of `assembly/` that were called, or the operators of the reference. */
  readonly kernels: readonly string[];
  /** Milliseconds in these kernels, without packing weights and the turns of others. */
  readonly elapsedMs: number;
  /**
   * Runs a block once more on its present input, operation by operation: convolutions, ReLUs, the
   * sum with the skip connection. Yields nothing for other layers. May be called inside the loop or
   * after it.
   *
   * @throws TaesdError as `taesd.steps`
   */
  inner(options?: Pick<RunOptions, 'signal'>): AsyncGenerator<Step, void, void>;
  /**
   * Returns the area of the input that an area of the output depends on, cut at the input's edges.
   * Applied from step to step backwards, it gives the receptive field. It holds for both inputs of
   * an `add`.
   *
   * @throws TaesdError ARG if the area is not inside the output
   */
  inputArea(area: Area): Area;
  /**
   * Returns the products that one number of the output is the sum of, computed in float64 from
   * inputs and weights. A block has to be opened first.
   *
   * @throws TaesdError ARG (outside the output, a block)
   */
  arithmetic(position: Position): Arithmetic;
}

/** A rectangle of a map, in elements. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One number of an input, multiplied by its weight. */
export interface Product extends Position {
  /** The number of the step's input it is from. */
  readonly input: number;
  /** The number itself; 0 in the padding. */
  readonly value: number;
  /** Its weight; 1 for layers without weights. */
  readonly weight: number;
  readonly product: number;
}

/**
 * `value = f(sum + bias)`: f is max(·, 0) for a ReLU, tanh(· / magnitude) · magnitude for a clamp,
 * and the identity for other layers.
 */
export interface Arithmetic {
  /** For a 3×3 convolution cin · 9 products, channel by channel, row by row. */
  readonly products: readonly Product[];
  /** The sum of the products. */
  readonly sum: number;
  /** 0 for layers without a bias. */
  readonly bias: number;
  readonly value: number;
  /** The output's number at this position, as the kernel computed it. */
  readonly kernelValue: number;
}
