import { type Tensor, zeros } from '../tensor.ts';

/** Returns the frames of a map [N, frames · C, H, W], each [N, C, H, W]. */
export function framesOf({ shape, data }: Tensor, count: number): Tensor[] {
  const [batch, channels, height, width] = shape;
  return Array.from({ length: count }, (_, frame) => {
    const own = zeros([batch, channels / count, height, width]);
    const size = data.length / batch / count;
    for (let n = 0; n < batch; n++) {
      const first = (n * count + frame) * size;
      own.data.set(data.subarray(first, first + size), n * size);
    }
    return own;
  });
}

/** Returns a map of frames, the inverse of `framesOf`. */
export function joinFrames(frames: readonly Tensor[]): Tensor {
  const [{ shape, data }] = frames;
  const [batch, channels, height, width] = shape;
  const all = zeros([batch, frames.length * channels, height, width]);
  const size = data.length / batch;
  for (const [frame, own] of frames.entries()) {
    for (let n = 0; n < batch; n++) {
      const one = own.data.subarray(n * size, (n + 1) * size);
      all.data.set(one, (n * frames.length + frame) * size);
    }
  }
  return all;
}
