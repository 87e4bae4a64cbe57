import type { Picture, Tensor } from 'taesd-wasm';

export { type LargestDifference, largestDifference } from './differences.ts';

/** One half of a latent, with some columns of the other half. */
export interface Tile {
  /** [1, C, H, columns] */
  readonly latents: Tensor;
  /** The column of the whole picture at which the tile's picture begins. */
  readonly x: number;
  /** The size of its picture in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Tiles {
  readonly left: Tile;
  readonly right: Tile;
  /** The column of pixels at which the right picture begins. */
  readonly seam: number;
}

export interface SplitOptions {
  /** Columns of the other half that each half has, from 0 on. */
  readonly overlap: number;
  /** Pixels that a column of the latent stands for. */
  readonly downscale: number;
  /** The size of the whole picture in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Returns the most columns of overlap that a latent's halves can have. */
export const maxOverlap = ({ shape }: Tensor): number => Math.ceil(shape[3] / 2);

/**
 * Splits latents [1, C, H, W] into a left and a right half that overlap.
 *
 * @throws RangeError if there is only one column
 */
export function splitTiles(latents: Tensor, options: SplitOptions): Tiles {
  const { overlap, downscale, width, height } = options;
  const columns = latents.shape[3];
  if (columns < 2) throw new RangeError('"latents" expected two columns or more, got 1');
  const cut = Math.floor(columns / 2);
  const end = Math.min(cut + overlap, columns);
  const from = Math.max(cut - overlap, 0);
  return {
    left: {
      latents: columnsOf(latents, 0, end),
      x: 0,
      width: Math.min(end * downscale, width),
      height,
    },
    right: {
      latents: columnsOf(latents, from, columns),
      x: from * downscale,
      width: width - from * downscale,
      height,
    },
    seam: cut * downscale,
  };
}

function columnsOf({ shape, data }: Tensor, from: number, end: number): Tensor {
  const [batch, channels, height, width] = shape;
  const rows = batch * channels * height;
  const across = end - from;
  const out = new Float32Array(rows * across);
  for (let row = 0; row < rows; row++) {
    out.set(data.subarray(row * width + from, row * width + end), row * across);
  }
  return { shape: [batch, channels, height, across], data: out };
}

/**
 * Joins the decoded pictures of two tiles: left of the seam the left one's pixels, right of it the
 * right one's. The pixels that only help the other tile at its edge are dropped.
 */
export function joinTiles({ right: tile, seam }: Tiles, left: Picture, right: Picture): Picture {
  const width = tile.x + right.width;
  const { height } = right;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 4 * y * left.width;
    data.set(left.data.subarray(start, start + 4 * seam), 4 * y * width);
    const row = 4 * y * right.width;
    const kept = right.data.subarray(row + 4 * (seam - tile.x), row + 4 * right.width);
    data.set(kept, 4 * (y * width + seam));
  }
  return { width, height, data };
}
