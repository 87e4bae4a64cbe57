import { type Tensor, zeros } from './tensor.ts';

/*
 * Pictures, latents and feature maps, row by row: the inputs and outputs of a network. A row is
 * channels last: channel c of pixel x lies at `x · stride + c`.
 */

/** A picture, latent or feature map whose rows can be read in any order. */
export interface RowSource {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /**
   * Writes the channels of row `y` into `row` [width][stride]. It does not write to the elements
   * between the last channel and the next pixel.
   */
  read(y: number, row: Float32Array, stride: number): void;
  /** Frees memory outside of JavaScript's, such as a device's. `read` is not called after it. */
  release?(): void;
}

/** The numbers of a row, or the bytes of a picture's row. */
export type Row = Float32Array | Uint8ClampedArray;

/** Returns true for bytes. Their size tells them in every realm; rows may come from a worker. */
export const isBytes = (row: Row): boolean => row.BYTES_PER_ELEMENT === 1;

/** Takes row `y`, [width][stride]. The caller overwrites the row after the call. */
export type RowSink = (y: number, row: Row, stride: number) => void;

/** Returns the rows of a tensor [1, C, H, W]. */
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

/**
 * Returns the rows of numbers that lie channels last.
 *
 * @param data   f32 [rows][width][channels]
 * @param shape  the shape of the whole map
 * @param first  the row that `data` begins with
 */
export function channelsLastRows(
  data: Float32Array,
  [channels, height, width]: readonly [channels: number, height: number, width: number],
  first = 0,
): RowSource {
  return {
    channels,
    height,
    width,
    read(y, row, stride) {
      let source = (y - first) * width * channels;
      if (stride === channels) {
        row.set(data.subarray(source, source + width * channels));
        return;
      }
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) row[x * stride + c] = data[source++];
      }
    },
  };
}

/** Returns a sink that collects rows in a tensor [1, C, H, W] and crops them to its width. */
export function tensorSink({ shape, data }: Tensor): RowSink {
  const [, channels, height, width] = shape;
  return (y, row, stride) => {
    for (let c = 0; c < channels; c++) {
      const target = (c * height + y) * width;
      for (let x = 0; x < width; x++) data[target + x] = row[x * stride + c];
    }
  };
}

/** Reads all rows into a new tensor [1, C, H, W]. */
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
