import { allocateFloats } from '../allocate.ts';
import { fromLinear, LinearTable } from '../colour/linear-light.ts';
import type { RowSource } from '../rows.ts';
import { AreaMean } from './area-mean.ts';
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
 * @returns rows with their channels
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

/**
 * The weight that a colour has even if it is transparent: where all pixels are, their mean is that
 * of their colours.
 */
const FAINT = 1e-6;

async function scaledPicture(
  source: RowSource,
  { width, height }: { readonly width: number; readonly height: number },
  pace: Pace,
): Promise<RowSource> {
  const { channels } = source;
  const data = allocateFloats('scaled picture', channels * width * height);
  const table = new LinearTable();
  const row = new Float32Array(channels * source.width);
  const onRow = (y: number, means: Float64Array) => {
    if (channels === 4) unweigh(means);
    const start = y * means.length;
    for (let i = 0; i < means.length; i++) {
      data[start + i] = i % channels === 3 ? means[i] : fromLinear(means[i]);
    }
  };
  const mean = new AreaMean(source, { width, height }, onRow, channels);
  for (let y = 0; y < source.height; y++) {
    source.read(y, row, channels);
    if (channels === 4) weigh(row, table);
    else table.toLinear(row);
    mean.addRow(row);
    pace.did(row.length);
    if (pace.due) await pace.turn();
  }
  return {
    channels,
    width,
    height,
    read(y, to, stride) {
      for (let x = 0; x < width; x++) {
        const at = channels * (y * width + x);
        for (let c = 0; c < channels; c++) to[x * stride + c] = data[at + c];
      }
    },
  };
}

/** Replaces straight colours, [width][4], by their light times alpha: as much as is seen of it. */
function weigh(row: Float32Array, table: LinearTable): void {
  const alphas = row.filter((_, i) => i % 4 === 3);
  table.toLinear(row);
  for (const [x, given] of alphas.entries()) {
    const alpha = Math.max(given, 0);
    for (let c = 0; c < 3; c++) row[4 * x + c] *= alpha + FAINT;
    row[4 * x + 3] = alpha;
  }
}

/** Replaces the means of light times alpha by the means of light. */
function unweigh(means: Float64Array): void {
  for (let at = 0; at < means.length; at += 4) {
    for (let c = 0; c < 3; c++) means[at + c] /= means[at + 3] + FAINT;
  }
}
