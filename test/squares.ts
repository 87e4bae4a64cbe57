import { type Tensor, zeros } from '../src/tensor.ts';

/**
 * Returns the mean of each square of `side`×`side` numbers of maps [N, C, H, W]; at the edges, of
 * the numbers that are there.
 */
export function meansOf({ shape, data }: Tensor, side: number): Tensor {
  const [batch, channels, height, width] = shape;
  const [rows, columns] = [height, width].map((size) => Math.ceil(size / side));
  const means = zeros([batch, channels, rows, columns]);
  const counts = new Float32Array(means.data.length);
  for (let i = 0; i < data.length; i++) {
    const plane = Math.floor(i / (height * width));
    const y = Math.floor((Math.floor(i / width) % height) / side);
    const to = (plane * rows + y) * columns + Math.floor((i % width) / side);
    means.data[to] += data[i];
    counts[to]++;
  }
  for (const [i, count] of counts.entries()) means.data[i] /= count;
  return means;
}

/** Returns the first rows and columns of maps. */
export function croppedTo({ shape, data }: Tensor, rows: number, columns: number): Tensor {
  const [batch, channels, height, width] = shape;
  const cropped = zeros([batch, channels, rows, columns]);
  for (let i = 0; i < cropped.data.length; i++) {
    const [row, x] = [Math.floor(i / columns), i % columns];
    const [plane, y] = [Math.floor(row / rows), row % rows];
    cropped.data[i] = data[(plane * height + y) * width + x];
  }
  return cropped;
}
