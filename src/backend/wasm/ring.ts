import type { Stage } from '../plan.ts';
import { LARGE_TILE } from '../tile.ts';
import { F32_BYTES, TILE_COUT } from './layout.ts';
import type { Memory } from './memory.ts';

/**
 * Channels are stored in groups of 4, a vector. The last is filled up with zeros, except in some
 * inputs (`storedChannels`).
 */
const CHANNEL_GROUP = 4;

export const paddedChannels = (channels: number): number =>
  Math.ceil(channels / CHANNEL_GROUP) * CHANNEL_GROUP;

/**
 * Returns the channels that a map's rows have room for: a multiple of 4, except in an input that
 * only direct 3×3 convolutions and pixel shuffles read. They take its channels one by one, which
 * saves a quarter of an encoder's first convolution.
 */
export function storedChannels(stages: readonly Stage[], map: number, channels: number): number {
  const isReadSingly = (stage: Stage) =>
    stage.kind === 'pixelUnshuffle' ||
    (stage.kind === 'conv' &&
      stage.conv.kernel === 3 &&
      !stage.winograd &&
      !stage.upsample &&
      stage.conv.cout % TILE_COUT === 0);
  const readers = stages.filter((stage) => stage.input === map);
  return map === 0 && readers.every(isReadSingly) ? channels : paddedChannels(channels);
}

/**
 * Returns the pixels of a stored row: a zero pixel, the row filled up with zeros to whole Winograd
 * tiles (of 4 or 6 pixels, or 8 with stride 2), and a zero pixel.
 */
const storedWidth = (width: number): number =>
  1 + Math.max(8 * Math.ceil(width / 8), LARGE_TILE * Math.ceil(width / LARGE_TILE)) + 1;

/** Returns the numbers in a stored row of so many stored channels. */
export const rowCount = (channels: number, width: number): number => channels * storedWidth(width);

/**
 * The rows of a feature map that are alive, in the kernels' memory. Row y lies in slot `y mod
 * rows`. A slot is f32 [1 + width, filled up to multiples of 6 and 8, + 1][channels], channels
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
   * @param isCleared  true if all numbers begin as 0, for rows that are written with gaps; else
   *   only the margins do
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
   * Returns the address of row `y`, at its zero pixel. Outside the picture that is a row of zeros.
   */
  row(y: number): number {
    if (y < 0 || y >= this.height) return this.#zeroRowPtr;
    return this.#ptr + (y % this.#rows) * this.count * F32_BYTES;
  }

  /** Returns the numbers of row `y` from its first pixel on: [width][channels]. */
  pixels(memory: Memory, y: number): Float32Array {
    return memory.f32(this.row(y) + this.channels * F32_BYTES, this.width * this.channels);
  }

  /** Makes row `y` zero again right of the picture, after a tile was written past it. */
  clearMargin(memory: Memory, y: number): void {
    const first = (1 + this.width) * this.channels;
    memory.f32(this.row(y) + first * F32_BYTES, this.count - first).fill(0);
  }
}
