/** A size in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Scales a picture down by area: each new pixel is the mean of the part of the picture it covers,
 * so that nothing is skipped. Rows come in from top to bottom. Two rows of the result are kept.
 */
export class AreaMean {
  readonly #from: Size;
  readonly #to: Size;
  readonly #channels: number;
  readonly #onRow: (y: number, means: Float64Array) => void;
  /** For each old column the first new one it covers, and its part inside that one. */
  readonly #first: Int32Array;
  readonly #part: Float64Array;
  /** The sums of the row of the result that is not complete. */
  readonly #sums: Float64Array;
  /** A row that is reduced to the new width. */
  readonly #line: Float64Array;
  #rows = 0;
  #done = 0;

  /**
   * @param to     not larger than `from`
   * @param onRow  takes each row of the result, [width][channels], which is overwritten after the
   *   call
   */
  constructor(from: Size, to: Size, onRow: (y: number, means: Float64Array) => void, channels = 3) {
    this.#from = from;
    this.#to = to;
    this.#onRow = onRow;
    this.#channels = channels;
    this.#first = new Int32Array(from.width);
    this.#part = new Float64Array(from.width);
    for (let x = 0; x < from.width; x++) {
      const { first, part } = shareOf(x, from.width, to.width);
      this.#first[x] = first;
      this.#part[x] = part;
    }
    this.#sums = new Float64Array(channels * to.width);
    // One pixel more, since the last column has no next one to share with.
    this.#line = new Float64Array(channels * (to.width + 1));
  }

  /** Adds the next row. @param light  linear light, [width][channels] */
  addRow(light: Float32Array): void {
    this.#reduce(light);
    const { height: from } = this.#from;
    const { height: to } = this.#to;
    const { part } = shareOf(this.#rows, from, to);
    this.#rows++;
    this.#add(part);
    if (this.#rows * to < (this.#done + 1) * from) return;
    const area = (this.#from.width / this.#to.width) * (from / to);
    for (let i = 0; i < this.#sums.length; i++) this.#sums[i] /= area;
    this.#onRow(this.#done++, this.#sums);
    this.#sums.fill(0);
    if (part < 1) this.#add(1 - part);
  }

  #reduce(light: Float32Array): void {
    const channels = this.#channels;
    const line = this.#line.fill(0);
    for (let x = 0, at = 0; x < this.#first.length; x++, at += channels) {
      const to = channels * this.#first[x];
      const part = this.#part[x];
      for (let c = 0; c < channels; c++) {
        const value = light[at + c];
        line[to + c] += value * part;
        line[to + channels + c] += value * (1 - part);
      }
    }
  }

  #add(part: number): void {
    for (let i = 0; i < this.#sums.length; i++) this.#sums[i] += this.#line[i] * part;
  }
}

/** The new pixels along one side that get the light of an old one. */
interface Share {
  /** The first of them. The rest of the light goes to the next. */
  readonly first: number;
  /** The part of the old pixel inside the first new one, 0 to 1. */
  readonly part: number;
}

function shareOf(at: number, from: number, to: number): Share {
  // In whole numbers: a border between new pixels lies at a multiple of `from`.
  const first = Math.floor((at * to) / from);
  return { first, part: Math.min(1, ((first + 1) * from - at * to) / to) };
}
