import { F32_BYTES } from './layout.ts';
import type { Memory } from './memory.ts';

/**
 * Channels are stored in groups of 4, a vector. Those past the true number are zeros. Pictures may
 * do without them.
 */
const CHANNEL_GROUP = 4;

export const paddedChannels = (channels: number): number =>
  Math.ceil(channels / CHANNEL_GROUP) * CHANNEL_GROUP;

/**
 * Pixels in a stored row: a zero pixel, the row, zeros up to whole Winograd tiles (of 4 pixels,
 * with stride 2 of 8), a zero pixel.
 */
const storedWidth = (width: number): number => 1 + 8 * Math.ceil(width / 8) + 1;

/** Numbers in a stored row. @param channels  as stored */
export const rowCount = (channels: number, width: number): number => channels * storedWidth(width);

/**
 * The rows of a feature map that are alive, in the kernels' memory: row y lies in slot
 * `y mod rows`. A slot is f32 [1 + width, filled up to a multiple of 8, + 1][channels], channels
 * last, zero outside the picture.
 */
export class Ring {
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  /** Numbers in a slot. */
  readonly count: number;
  readonly #ptr: number;
  readonly #rows: number;
  readonly #zeroRowPtr: number;

  /**
   * @param shape      [channels as stored, height, width]
   * @param isCleared  true sets all numbers to 0, for rows that are not written whole; false only
   *                   the margins
   * @throws TaesdError LIMIT, OOM
   */
  constructor(
    memory: Memory,
    [channels, height, width]: readonly [number, number, number],
    rows: number,
    zeroRowPtr: number,
    isCleared: boolean,
  ) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.count = rowCount(channels, width);
    this.#rows = Math.min(rows, height);
    this.#zeroRowPtr = zeroRowPtr;
    const total = this.count * this.#rows;
    this.#ptr = memory.allocate('feature maps', total * F32_BYTES);
    if (isCleared) memory.f32(this.#ptr, total).fill(0);
    else {
      for (let y = 0; y < this.#rows; y++) {
        memory.f32(this.row(y), channels).fill(0);
        this.clearMargin(memory, y);
      }
    }
  }

  /**
   * Returns the address of row `y`, at its zero pixel. Outside the picture it is that of a row of
   * zeros.
   */
  row(y: number): number {
    if (y < 0 || y >= this.height) return this.#zeroRowPtr;
    return this.#ptr + (y % this.#rows) * this.count * F32_BYTES;
  }

  /** Returns the numbers of row `y` from its first pixel on: [width][channels]. */
  pixels(memory: Memory, y: number): Float32Array {
    return memory.f32(this.row(y) + this.channels * F32_BYTES, this.width * this.channels);
  }

  /** Clears row `y` right of the picture, where a tile has written past it. */
  clearMargin(memory: Memory, y: number): void {
    const first = (1 + this.width) * this.channels;
    memory.f32(this.row(y) + first * F32_BYTES, this.count - first).fill(0);
  }
}
