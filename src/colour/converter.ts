import type { Matrix } from './matrix.ts';
import { type ColourSpace, srgbLevel } from './space.ts';

/** Tables for the samples of each channel, which are one table where the curves are equal. */
type PerChannel<Table> = readonly [red: Table, green: Table, blue: Table];

/** Converts samples of one depth to levels of sRGB, by tables that are made once. */
export class Converter {
  /** The levels by sample. With a matrix they are those of grey. */
  readonly levels: PerChannel<Uint8Array>;
  /** Mixes linear light. Without one, levels alone convert a colour. */
  readonly matrix: Matrix | undefined;
  /** Linear light by sample, if there is a matrix. */
  readonly #light: PerChannel<Float64Array> | undefined;

  /**
   * @param depth  bits of a sample
   * @param space  undefined leaves colours as they are: round(v·255 / (2^depth − 1))
   */
  constructor(depth: number, space: ColourSpace | undefined) {
    const count = 2 ** depth;
    const maxSample = count - 1;
    if (space === undefined) {
      const levels = new Uint8Array(count);
      // No value lies halfway between two levels, so the way of rounding does not matter.
      for (let v = 0; v < count; v++) levels[v] = Math.round((255 * v) / maxSample);
      this.levels = [levels, levels, levels];
      return;
    }
    const light = perChannel(space.curves, (curve) => {
      const table = new Float64Array(count);
      for (let v = 0; v < count; v++) table[v] = curve(v / maxSample);
      return table;
    });
    this.levels = perChannel(light, (table) => Uint8Array.from(table, srgbLevel));
    this.#light = space.matrix && light;
    this.matrix = space.matrix;
  }

  /** Writes the three levels of a colour. */
  write(to: Uint8Array, at: number, r: number, g: number, b: number): void {
    const light = this.#light;
    const m = this.matrix;
    if (light === undefined || m === undefined) {
      const [redLevels, greenLevels, blueLevels] = this.levels;
      to[at] = redLevels[r];
      to[at + 1] = greenLevels[g];
      to[at + 2] = blueLevels[b];
      return;
    }
    const red = light[0][r];
    const green = light[1][g];
    const blue = light[2][b];
    to[at] = srgbLevel(m[0] * red + m[1] * green + m[2] * blue);
    to[at + 1] = srgbLevel(m[3] * red + m[4] * green + m[5] * blue);
    to[at + 2] = srgbLevel(m[6] * red + m[7] * green + m[8] * blue);
  }
}

/** Makes a table for each channel. Channels that are alike get one. */
function perChannel<From, Table>(
  channels: PerChannel<From>,
  make: (channel: From) => Table,
): PerChannel<Table> {
  const [red, green, blue] = channels;
  const first = make(red);
  return [first, green === red ? first : make(green), blue === red ? first : make(blue)];
}
