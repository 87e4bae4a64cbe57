import { allocateFloats } from '../allocate.ts';
import { fromLinear, LinearTable } from '../colour/linear-light.ts';
import type { RowSource } from '../rows.ts';
import { sizeWithin } from './size-within.ts';

/*
 * Scaling down. Each pixel of the result is the mean light of the area it covers, as a camera with
 * larger pixels would have recorded it.
 *
 * In linear light: bytes of sRGB are not proportional to light. Their mean is too dark wherever a
 * picture has fine detail: a chequerboard of black and white seen from afar is 188, not 128, and
 * lit windows, stars and foliage lose their brightness.
 *
 * By area: its weights are never negative. Lanczos is a little sharper, but in linear light its
 * undershoot beside a bright edge turns dark tones black, and its overshoot leaves [0, 1], the
 * range the encoder was trained on. Every pixel of the source counts alike, so no detail is
 * skipped. img2dataset, which fetched the pictures that Stable Diffusion was trained on, scales by
 * area too.
 */

/** The pacer of the call. */
interface Pace {
  readonly due: boolean;
  did(work: number): void;
  turn(): Promise<void>;
}

/**
 * Scales pictures to `maxSize` pixels on their longer side. Those that fit are returned themselves.
 *
 * @param sources  rows of sRGB values, 1 is white; pictures of one size
 * @returns rows with 3 channels
 * @throws TaesdError ARG (`maxSize` is not a whole number from 1), OOM, ABORTED
 */
export async function scaledRows(
  sources: readonly RowSource[],
  maxSize: number,
  pace: Pace,
): Promise<readonly RowSource[]> {
  const [{ width, height }] = sources;
  const size = sizeWithin(width, height, maxSize);
  if (size.width === width && size.height === height) return sources;
  const scaled: RowSource[] = [];
  for (const source of sources) scaled.push(await scaledPicture(source, size, pace));
  return scaled;
}

const CHANNELS = 3;

async function scaledPicture(
  source: RowSource,
  { width, height }: { readonly width: number; readonly height: number },
  pace: Pace,
): Promise<RowSource> {
  const data = allocateFloats('scaled picture', CHANNELS * width * height);
  const columns = new Columns(source.width, width);
  const table = new LinearTable();
  const row = new Float32Array(CHANNELS * source.width);
  const means = new Float64Array(CHANNELS * width);
  const sums = new Float64Array(CHANNELS * width);
  const ratio = source.height / height;
  let target = 0;
  for (let y = 0; y < source.height; y++) {
    source.read(y, row, CHANNELS);
    table.toLinear(row);
    columns.means(row, means);
    // A row lies in one row of the result, or across the border of two.
    const border = (target + 1) * ratio;
    const here = Math.min(border, y + 1) - y;
    addScaled(sums, means, here / ratio);
    if (y + 1 >= border || y + 1 === source.height) {
      const start = target * sums.length;
      for (let i = 0; i < sums.length; i++) data[start + i] = fromLinear(sums[i]);
      sums.fill(0);
      target++;
      if (here < 1) addScaled(sums, means, (1 - here) / ratio);
    }
    pace.did(row.length);
    if (pace.due) await pace.turn();
  }
  return {
    channels: CHANNELS,
    width,
    height,
    read(y, to, stride) {
      for (let x = 0; x < width; x++) {
        const at = CHANNELS * (y * width + x);
        for (let c = 0; c < CHANNELS; c++) to[x * stride + c] = data[at + c];
      }
    },
  };
}

function addScaled(sums: Float64Array, values: Float64Array, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] += weight * values[i];
}

/** The columns of the source that each column of the result covers. */
class Columns {
  readonly #ratio: number;
  readonly #sourceWidth: number;

  constructor(sourceWidth: number, width: number) {
    this.#sourceWidth = sourceWidth;
    this.#ratio = sourceWidth / width;
  }

  /** Writes the mean of each column of the result. */
  means(row: Float32Array, means: Float64Array): void {
    const ratio = this.#ratio;
    for (let x = 0; x < means.length / CHANNELS; x++) {
      const [begin, end] = [x * ratio, Math.min((x + 1) * ratio, this.#sourceWidth)];
      let [red, green, blue] = [0, 0, 0];
      for (let column = Math.floor(begin); column < end; column++) {
        const weight = Math.min(end, column + 1) - Math.max(begin, column);
        red += weight * row[CHANNELS * column];
        green += weight * row[CHANNELS * column + 1];
        blue += weight * row[CHANNELS * column + 2];
      }
      means[CHANNELS * x] = red / ratio;
      means[CHANNELS * x + 1] = green / ratio;
      means[CHANNELS * x + 2] = blue / ratio;
    }
  }
}
