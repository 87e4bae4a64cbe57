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

/**
 * Folds the normalisation of a block's pool for the map that the block reads. Sums are in float64
 * and run over the rows of the map from the top, so they depend on nothing but the map.
 *
 * Each `yield` hands out the multiply-adds done since the one before.
 *
 * @param block  a block with a pool, and its weights
 * @param map    the whole map
 */
export function* foldPool(
  { layer, weights }: BoundLayer,
  map: RowSource,
): Generator<number, FoldedPool, void> {
  const [{ layer: conv }, { layer: norm }] = poolOps(layer as Block) as PoolOps;
  const { cin, cout } = conv;
  const { data: taps } = weights.get('pool.0.weight') as Tensor;
  const { data: scales } = weights.get('pool.1.weight') as Tensor;
  const { data: shifts } = weights.get('pool.1.bias') as Tensor;
  const means = yield* meansOf(map);
  const covariance = yield* covarianceOf(map, means);
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

/** Returns the mean of each channel. */
function* meansOf(map: RowSource): Generator<number, Float64Array, void> {
  const { channels, height, width } = map;
  const means = new Float64Array(channels);
  const row = new Float32Array(width * channels);
  for (let y = 0; y < height; y++) {
    map.read(y, row, channels);
    for (let at = 0; at < row.length; at += channels) {
      for (let c = 0; c < channels; c++) means[c] += row[at + c];
    }
    yield row.length;
  }
  return means.map((sum) => sum / (height * width));
}

/** Pixels whose products are added together. One after the other took four times as long. */
const TOGETHER = 8;

/** Returns the covariance of the channels, [channels, channels], the triangle below alone. */
function* covarianceOf(map: RowSource, means: Float64Array): Generator<number, Float64Array, void> {
  const { channels, height, width } = map;
  const sums = new Float64Array(channels * channels);
  // Pixels past the row's end stay 0.
  const row = new Float32Array(Math.ceil(width / TOGETHER) * TOGETHER * channels);
  const centred = new Float64Array(row.length);
  for (let y = 0; y < height; y++) {
    map.read(y, row, channels);
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        centred[x * channels + c] = row[x * channels + c] - means[c];
      }
    }
    for (let x = 0; x < width; x += TOGETHER) addProducts(sums, centred, x * channels, channels);
    yield (width * channels * (channels + 1)) / 2;
  }
  return sums.map((sum) => sum / (height * width));
}

/** Adds the products of all pairs of channels, of the 8 pixels from `first` on. */
function addProducts(
  sums: Float64Array,
  centred: Float64Array,
  first: number,
  channels: number,
): void {
  const [p0, p1, p2, p3] = [0, 1, 2, 3].map((pixel) => first + pixel * channels);
  const [p4, p5, p6, p7] = [4, 5, 6, 7].map((pixel) => first + pixel * channels);
  for (let i = 0; i < channels; i++) {
    const [a0, a1, a2, a3] = [centred[p0 + i], centred[p1 + i], centred[p2 + i], centred[p3 + i]];
    const [a4, a5, a6, a7] = [centred[p4 + i], centred[p5 + i], centred[p6 + i], centred[p7 + i]];
    const at = i * channels;
    for (let j = 0; j <= i; j++) {
      const upper =
        a0 * centred[p0 + j] + a1 * centred[p1 + j] + a2 * centred[p2 + j] + a3 * centred[p3 + j];
      const lower =
        a4 * centred[p4 + j] + a5 * centred[p5 + j] + a6 * centred[p6 + j] + a7 * centred[p7 + j];
      sums[at + j] += upper + lower;
    }
  }
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
