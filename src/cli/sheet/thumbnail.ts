import { fromLinear, toLinear } from '../../colour/linear-light.ts';
import type { Size } from '../line/size.ts';
import { BACKGROUND } from '../maps/colours.ts';
import { Raster } from '../maps/raster.ts';

/**
 * Scales a picture down by area: each pixel is the mean of the part of the picture it covers, so
 * that nothing is skipped. It is a mean of light and not of sRGB's numbers, as if the picture were
 * seen from afar. Rows are added one by one and are not kept.
 */
export class AreaMean {
  readonly #to: Size;
  readonly #columns: Shares;
  readonly #rows: Shares;
  /** The sums of light, [height][width][3]. */
  readonly #sums: Float32Array;
  /** A row that is reduced to the new width. */
  readonly #line: Float32Array;
  readonly #light = lightOfBytes();

  /** @param to  not larger than `from` */
  constructor(from: Size, to: Size) {
    this.#to = to;
    this.#columns = sharesOf(from.width, to.width);
    this.#rows = sharesOf(from.height, to.height);
    this.#sums = new Float32Array(3 * to.width * to.height);
    this.#line = new Float32Array(3 * to.width);
  }

  /** Adds row `y`, of RGBA. Alpha is ignored. */
  addRow(y: number, rgba: Uint8ClampedArray): void {
    const line = this.#line.fill(0);
    const { first, share } = this.#columns;
    for (let x = 0; x < first.length; x++) {
      const to = 3 * first[x];
      const part = share[x];
      for (let c = 0; c < 3; c++) {
        const light = this.#light[rgba[4 * x + c]];
        line[to + c] += light * part;
        // Beyond the last column this writes nothing.
        line[to + 3 + c] += light * (1 - part);
      }
    }
    const row = this.#rows.first[y];
    this.#addLine(row, this.#rows.share[y]);
    if (this.#rows.share[y] < 1) this.#addLine(row + 1, 1 - this.#rows.share[y]);
  }

  #addLine(row: number, part: number): void {
    const line = this.#line;
    const at = row * line.length;
    for (let i = 0; i < line.length; i++) this.#sums[at + i] += line[i] * part;
  }

  /** Returns the picture of the rows added so far. */
  picture(): Raster {
    const { width, height } = this.#to;
    const picture = new Raster(width, height, BACKGROUND);
    const area = this.#columns.size * this.#rows.size;
    for (let i = 0; i < this.#sums.length; i++) {
      picture.data[i] = 255 * fromLinear(this.#sums[i] / area);
    }
    return picture;
  }
}

/** The new pixels along one side that get the light of each old one. */
interface Shares {
  /** The first new pixel that an old one covers. The rest of its light goes to the next. */
  readonly first: Int32Array;
  /** The part of an old pixel inside the first new one, 0 to 1. */
  readonly share: Float32Array;
  /** The old pixels in a new one. */
  readonly size: number;
}

function sharesOf(from: number, to: number): Shares {
  const first = new Int32Array(from);
  const share = new Float32Array(from);
  for (let i = 0; i < from; i++) {
    // In whole numbers: a border between new pixels lies at a multiple of `from`.
    first[i] = Math.floor((i * to) / from);
    const border = (first[i] + 1) * from;
    share[i] = Math.min(1, (border - i * to) / to);
  }
  return { first, share, size: from / to };
}

/** Returns the light of each byte of sRGB, 0 to 1. */
const lightOfBytes = (): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => toLinear(byte / 255));
