import type { BoundLayer } from '../model/bind.ts';
import { type Block, type PoolOps, poolOps } from '../model/layers.ts';
import type { RowSource } from '../rows.ts';
import type { Tensor } from '../tensor.ts';

/*
 * The pool of a block: y = W·x at each pixel, then a normalisation by the mean μ and the variance
 * σ² of each group of y's channels over the whole map. Once these are known, both are one
 * convolution, since a normalisation multiplies a channel by a number and adds one:
 *
 *     (W_c·x − μ) / √(σ² + ε) · γ_c + β_c  =  (W_c · s_c)·x + (β_c − μ · s_c)
 *     with s_c = γ_c / √(σ² + ε)
 *
 * y itself is never made for the statistics. They follow from the mean m and the covariance C of
 * x's channels: the mean of y_c is W_c·m, and its variance is W_c·C·W_cᵀ. For 64 channels that
 * takes 2,080 multiply-adds a pixel, while W·x takes 16,384.
 */

/** The first convolution of a pool with the normalisation of one map folded into it. */
export interface FoldedPool {
  /** f32 [cout, cin, 1, 1] */
  readonly weight: Tensor;
  /** f32 [cout] */
  readonly bias: Tensor;
}

/** The mean and the covariance of a map's channels over all pixels. */
export interface Moments {
  /** f64 [channels] */
  readonly means: Float64Array;
  /** f64 [channels, channels]; only the triangle below is read. */
  readonly covariance: Float64Array;
}

/**
 * Computes the moments of a whole map. Sums are in float64 and run over the rows from the top, so
 * they depend on nothing but the map. Each `yield` hands out multiply-adds.
 */
export type MomentsOf = (map: RowSource) => Generator<number, Moments, void>;

/**
 * Folds the normalisation of a block's pool for the map that the block reads.
 *
 * Each `yield` hands out the multiply-adds done since the one before.
 *
 * @param block  a block with a pool, and its weights
 * @param map    the whole map
 * @param moments  computes its mean and covariance
 */
export function* foldPool(
  { layer, weights }: BoundLayer,
  map: RowSource,
  moments: MomentsOf,
): Generator<number, FoldedPool, void> {
  const [{ layer: conv }, { layer: norm }] = poolOps(layer as Block) as PoolOps;
  const { cin, cout } = conv;
  const { data: taps } = weights.get('pool.0.weight') as Tensor;
  const { data: scales } = weights.get('pool.1.weight') as Tensor;
  const { data: shifts } = weights.get('pool.1.bias') as Tensor;
  const { means, covariance } = yield* moments(map);
  const weight = new Float32Array(cout * cin);
  const bias = new Float32Array(cout);
  const perGroup = cout / norm.groups;
  for (let first = 0; first < cout; first += perGroup) {
    const channelMeans = new Float64Array(perGroup);
    let mean = 0;
    let variance = 0;
    for (let c = 0; c < perGroup; c++) {
      const row = taps.subarray((first + c) * cin, (first + c + 1) * cin);
      for (let i = 0; i < cin; i++) channelMeans[c] += row[i] * means[i];
      mean += channelMeans[c] / perGroup;
      variance += quadraticForm(covariance, row) / perGroup;
    }
    for (const channelMean of channelMeans) variance += (channelMean - mean) ** 2 / perGroup;
    const deviation = Math.sqrt(variance + norm.epsilon);
    for (let c = first; c < first + perGroup; c++) {
      const scale = scales[c] / deviation;
      for (let i = 0; i < cin; i++) weight[c * cin + i] = taps[c * cin + i] * scale;
      bias[c] = shifts[c] - mean * scale;
    }
  }
  return {
    weight: { shape: [cout, cin, 1, 1], data: weight },
    bias: { shape: [cout], data: bias },
  };
}

/** Returns w·C·wᵀ for a symmetric matrix of which the triangle below is given. */
function quadraticForm(covariance: Float64Array, row: Float32Array): number {
  const { length } = row;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    let half = 0;
    for (let j = 0; j < i; j++) half += covariance[i * length + j] * row[j];
    sum += row[i] * (2 * half + covariance[i * length + i] * row[i]);
  }
  return sum;
}
