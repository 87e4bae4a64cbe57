import { fromLinear, toLinear } from '../../colour/linear-light.ts';
import { AreaMean } from '../../picture/area-mean.ts';
import type { Size } from '../line/size.ts';
import { BACKGROUND } from '../maps/colours.ts';
import { Raster } from '../maps/raster.ts';

/**
 * A picture that is scaled down by area while its rows come in. Each pixel is a mean of light and
 * not of sRGB's numbers, as if the picture were seen from afar.
 */
export class Thumbnail {
  readonly #picture: Raster;
  readonly #mean: AreaMean;
  /** The light of a row, [width][3]. */
  readonly #row: Float32Array;
  readonly #light = lightOfBytes();

  /** @param to  not larger than `from` */
  constructor(from: Size, to: Size) {
    this.#picture = new Raster(to.width, to.height, BACKGROUND);
    this.#row = new Float32Array(3 * from.width);
    const { data } = this.#picture;
    this.#mean = new AreaMean(from, to, (y, means) => {
      const start = y * means.length;
      for (let i = 0; i < means.length; i++) data[start + i] = 255 * fromLinear(means[i]);
    });
  }

  /** Adds the next row, of RGBA. Alpha is ignored. */
  addRow(rgba: Uint8ClampedArray): void {
    const row = this.#row;
    for (let to = 0, at = 0; to < row.length; to += 3, at += 4) {
      for (let c = 0; c < 3; c++) row[to + c] = this.#light[rgba[at + c]];
    }
    this.#mean.addRow(row);
  }

  /** Returns the picture of the rows added so far. */
  picture(): Raster {
    return this.#picture;
  }
}

/** Returns the light of each byte of sRGB, 0 to 1. */
const lightOfBytes = (): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => toLinear(byte / 255));
