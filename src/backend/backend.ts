import type { BoundNetwork } from '../model/bind.ts';
import type { Precision } from '../options/types.ts';
import type { RowSink, RowSource } from '../rows.ts';
import type { FoldedPool } from './fold-pool.ts';

/** Rows from `first` up to, but not including, `end`. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** Rows of an output that a caller wants. */
export interface WantedRows extends Span {
  /** True if RGBA bytes are wanted. A backend that makes no bytes returns numbers. */
  readonly asBytes?: boolean | undefined;
}

/**
 * A network with its weights packed for a backend. It runs any number of times, one run at a time.
 */
export interface Program {
  /**
   * Runs the network on one picture or latent.
   *
   * Each `yield` hands out the multiply-adds done since the one before. The work pauses there, so
   * that the caller can report progress, give the event loop a turn, or stop.
   *
   * @param source  the rows of the input
   * @param sink    takes the rows of the output, each once, from top to bottom
   * @param wanted  rows of the output. Defaults to all.
   * @param folded  needed if the network begins with a block that has a pool
   * @throws TaesdError LIMIT, OOM (before any work)
   */
  run(
    source: RowSource,
    sink: RowSink,
    wanted?: WantedRows,
    folded?: FoldedPool,
  ): Generator<number, void, void>;
}

/** A way to run networks. */
export interface Backend {
  readonly name: 'wasm' | 'reference';
  /**
   * Packs the weights of a network. Only its first layer may need the whole map, except on the
   * reference; segments.ts cuts other networks.
   *
   * @param precision  defaults to that of the backend
   * @param tallest    the height of the half's tallest map as a multiple of the input's, if the
   *   network is a part of a half; see `planNetwork`
   */
  compile(network: BoundNetwork, precision?: Precision, tallest?: number): Program;
}
