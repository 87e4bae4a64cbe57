import { type Tensor, zeros } from './tensor.ts';

/*
 * Pictures, latents and feature maps as rows that pass by: what goes into a network and what comes out of it.
 * A row is channels last: channel c of pixel x lies at `x · stride + c`.
 */

/** Something of known size whose rows can be read in any order. */
export interface RowSource {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Writes the channels of row `y` into `row` [width][stride]; what lies between them is left alone. */
  read(y: number, row: Float32Array, stride: number): void;
  /** Lets go of what it holds outside of this program's memory; it is not read after that. */
  release?(): void;
}

/** Takes row `y`, [width][stride], which is overwritten after the call. */
export type RowSink = (y: number, row: Float32Array, stride: number) => void;

/** The rows of a tensor [1, C, H, W]. */
export function tensorRows({ shape, data }: Tensor): RowSource {
  const [, channels, height, width] = shape;
  return {
    channels,
    height,
    width,
    read(y, row, stride) {
      for (let c = 0; c < channels; c++) {
        const source = (c * height + y) * width;
        for (let x = 0; x < width; x++) row[x * stride + c] = data[source + x];
      }
    },
  };
}

/** Collects rows in a tensor [1, C, H, W]; what lies right of its width is cropped. */
export function tensorSink({ shape, data }: Tensor): RowSink {
  const [, channels, height, width] = shape;
  return (y, row, stride) => {
    for (let c = 0; c < channels; c++) {
      const target = (c * height + y) * width;
      for (let x = 0; x < width; x++) data[target + x] = row[x * stride + c];
    }
  };
}

/** All rows, as a tensor [1, C, H, W]. */
export function readAll(source: RowSource): Tensor {
  const { channels, height, width } = source;
  const tensor = zeros([1, channels, height, width]);
  const sink = tensorSink(tensor);
  const row = new Float32Array(width * channels);
  for (let y = 0; y < height; y++) {
    source.read(y, row, channels);
    sink(y, row, channels);
  }
  return tensor;
}
