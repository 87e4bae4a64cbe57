import type { AlphaOptions } from '../image.ts';
import type { Half, Layer } from '../model/layers.ts';
import type { RunOptions } from '../options/types.ts';
import type { Tensor } from '../tensor.ts';

/** What `taesd.steps` takes beside its input. */
export interface StepsOptions extends Pick<RunOptions, 'signal' | 'allowNonFinite'>, AlphaOptions {
  /** The half to go through. Unless said, the encoder for pictures and tensors of 3 channels, else the decoder. */
  readonly part?: Half | undefined;
}

/** The sum of two maps: where a block's skip connection comes in. */
export interface Add {
  readonly kind: 'add';
}

/**
 * One layer, or one operation inside a block, that has just run.
 *
 * The tensors are not copied from step to step: a step's output is the next one's input. They are the caller's to keep,
 * and what is written into an output before the next step is asked for is what that step reads; so a channel can be set
 * to 0 to see what becomes of the picture.
 */
export interface Step {
  readonly part: Half;
  /** The layer's number in taesd.py's `Encoder` or `Decoder`; inside a block, the operation's place in it. */
  readonly index: number;
  /** Its name in taesd.py, which is that of its weights without their ending: `decoder.3`, `decoder.3.conv.0`. */
  readonly name: string;
  /** What taesd.py writes there: `conv(64, 64, bias=False)`, `Block(64, 64)`, `nn.ReLU()`. */
  readonly module: string;
  /** The layer as data: its kind, and beside it kernel, stride, factor, magnitude. */
  readonly layer: Layer | Add;
  /** What it read: [1, C, H, W], one tensor; two for an `add`, the second being the skip connection. */
  readonly inputs: readonly Tensor[];
  /** The output's shape, [1, C, H, W]. */
  readonly shape: readonly number[];
  /** f32 [1, C, H, W] */
  readonly output: Tensor;
  /** Its trained numbers, a copy: `weight` [cout, cin, k, k], `bias` [cout]; of a block `conv.0.weight` and so on. */
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly parameters: number;
  /** Of its convolutions, as a direct convolution would do them, padding counted as if it were data. */
  readonly multiplyAdds: number;
  /** What of `assembly/` was called, or which operators of the reference. */
  readonly kernels: readonly string[];
  /** The time that these took, without packing weights and without the turns of others. */
  readonly elapsedMs: number;
  /**
   * Runs a block once more, operation by operation, on what its input is now: convolutions, ReLUs, the sum with the
   * skip connection. Of any other layer there is nothing to open, and nothing comes. It may be asked for inside the loop
   * or after it.
   *
   * @throws TaesdError as `taesd.steps`
   */
  inner(options?: Pick<RunOptions, 'signal'>): AsyncGenerator<Step, void, void>;
  /**
   * The part of the input that a part of the output depends on, cut at the input's edges: step by step back, the
   * receptive field. The same for both inputs of an `add`.
   *
   * @throws TaesdError ARG where the area is not inside the output
   */
  inputArea(area: Area): Area;
  /**
   * How one number of the output comes about, computed here in float64 from inputs and weights; a block has to be opened
   * first.
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

/** The place of a number in a map. */
export interface Position {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** One number that was read, and what it counts. */
export interface Product extends Position {
  /** Which of the step's inputs it is from. */
  readonly input: number;
  /** What lies there: 0 outside the map, where a convolution pads. */
  readonly value: number;
  /** The weight that it is multiplied by; 1 where nothing is trained. */
  readonly weight: number;
  readonly product: number;
}

/** `value = f(sum + bias)`: f is max(·, 0) for a ReLU, tanh(· / magnitude) · magnitude for a clamp, nothing for others. */
export interface Arithmetic {
  /** For a 3×3 convolution cin · 9 of them, channel by channel, row by row. */
  readonly products: readonly Product[];
  /** Of the products. */
  readonly sum: number;
  /** 0 where there is none. */
  readonly bias: number;
  readonly value: number;
  /** What the kernel gave there: the output's own number. */
  readonly kernelValue: number;
}
