import type { BoundNetwork } from '../model/bind.ts';
import type { RowSink, RowSource } from '../rows.ts';
import type { Tensor } from '../tensor.ts';

/** What every backend can do to tensors; the layers are made of these. All tensors are [N, C, H, W]. */
export interface Operators {
  /**
   * Convolution with a square kernel of 1 or 3 and zero padding (kernel − 1) / 2.
   * @param input   [N, cin, H, W]
   * @param weight  [cout, cin, kernel, kernel]
   * @param bias    [cout], or undefined for none
   * @returns [N, cout, ⌈H / stride⌉, ⌈W / stride⌉]
   */
  conv2d(input: Tensor, weight: Tensor, bias: Tensor | undefined, stride: 1 | 2): Tensor;
  /** max(x, 0) */
  relu(input: Tensor): Tensor;
  /** a + b, of one shape */
  add(a: Tensor, b: Tensor): Tensor;
  /** [N, C, H, W] → [N, C, 2·H, 2·W], each value a 2×2 square */
  upsample2x(input: Tensor): Tensor;
  /** [N, C·f², H, W] → [N, C, f·H, f·W]; see `PixelShuffle` */
  pixelShuffle(input: Tensor, factor: number): Tensor;
  /** [N, C, H, W] → [N, C·f², ⌈H / f⌉, ⌈W / f⌉]; see `PixelUnshuffle` */
  pixelUnshuffle(input: Tensor, factor: number): Tensor;
  /** tanh(x / magnitude) · magnitude */
  clamp(input: Tensor, magnitude: number): Tensor;
}

/** Rows from `first` up to and without `end`. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** A network made ready on a backend: weights packed, to be run any number of times, one run at a time. */
export interface Program {
  /**
   * Runs the network on one picture or latent.
   *
   * The work stands still at each `yield`, which hands out the multiply-adds done since the one before, so
   * that the caller can show progress, let others run, or stop.
   *
   * @param source  the rows of the input
   * @param sink    gets the rows of the output, each once, from top to bottom
   * @param wanted  the rows of the output that are wanted; all unless said
   * @throws TaesdError LIMIT or OOM before any work, where the memory does not suffice
   */
  run(source: RowSource, sink: RowSink, wanted?: Span): Generator<number, void, void>;
}

/** A place where networks run. */
export interface Backend {
  readonly name: 'wasm' | 'reference';
  compile(network: BoundNetwork): Program;
}
