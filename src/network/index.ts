/**
 * Convolutional networks of the caller's own, made of this package's layers.
 *
 * @module taesd-wasm/network
 */

export type { BytesLike } from '../checks.ts';
export type {
  Block,
  Clamp,
  Conv,
  Layer,
  Network,
  PixelShuffle,
  PixelUnshuffle,
  Relu,
  Upsample2x,
} from '../model/layers.ts';
export type { Progress } from '../options/types.ts';
export type { Tensor } from '../tensor.ts';
export type { TensorLike } from '../tensor-like/types.ts';
export {
  type BlockOptions,
  block,
  type Conv1x1Options,
  type Conv3x3Options,
  clamp,
  conv1x1,
  conv3x3,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  upsample2x,
} from './layers.ts';
export { type LoadedNetwork, loadNetwork, type NetworkInfo, runNetwork } from './load-network.ts';
export type {
  LoadNetworkOptions,
  NetworkRunOptions,
  RunNetworkOptions,
} from './options.ts';
export type { NetworkWeights } from './own-weights.ts';
