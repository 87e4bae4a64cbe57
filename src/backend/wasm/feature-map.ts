import { type Tensor, zeros } from '../../tensor.ts';
import type { Memory } from './memory.ts';

/** Channels are stored in groups of 8, the kernels' tile; those past the true number are zeros. */
const CHANNEL_GROUP = 8;
const F32_BYTES = 4;

export const paddedChannels = (channels: number) =>
  Math.ceil(channels / CHANNEL_GROUP) * CHANNEL_GROUP;

/**
 * A feature map in the kernels' memory: `height` rows of f32 [1 + width + 1][channels], channels last, with a
 * zero pixel on either side of each row.
 */
export interface FeatureMap {
  readonly ptr: number;
  /** As stored: a multiple of 8. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Numbers in a row, its two zero pixels included. */
export const rowCount = (channels: number, width: number) => paddedChannels(channels) * (width + 2);

export const rowBytes = (channels: number, width: number) => rowCount(channels, width) * F32_BYTES;

export const mapBytes = (channels: number, height: number, width: number) =>
  rowBytes(channels, width) * height;

/** The address of row `y`, which begins with its zero pixel. */
export const rowPtr = ({ ptr, channels, width }: FeatureMap, y: number) =>
  ptr + y * rowBytes(channels, width);

/** Lays a picture [1, C, H, W] out at `ptr`. */
export function writeMap(memory: Memory, ptr: number, { shape, data }: Tensor): FeatureMap {
  const [, channels, height, width] = shape;
  const map = { ptr, channels: paddedChannels(channels), height, width };
  const target = memory.f32(ptr, rowCount(channels, width) * height).fill(0);
  let source = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      let at = (y * (width + 2) + 1) * map.channels + c;
      for (let x = 0; x < width; x++, at += map.channels) target[at] = data[source++];
    }
  }
  return map;
}

/** The first `channels` channels of a map as a tensor [1, channels, H, W] of its own. */
export function readMap(memory: Memory, map: FeatureMap, channels: number): Tensor {
  const { height, width } = map;
  const source = memory.f32(map.ptr, rowCount(map.channels, width) * height);
  const tensor = zeros([1, channels, height, width]);
  let target = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      let at = (y * (width + 2) + 1) * map.channels + c;
      for (let x = 0; x < width; x++, at += map.channels) tensor.data[target++] = source[at];
    }
  }
  return tensor;
}
