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
  const table = new LinearTable();
  const row = new Float32Array(CHANNELS * source.width);
  const mean = new AreaMean(source, { width, height }, (y, means) => {
    const start = y * means.length;
    for (let i = 0; i < means.length; i++) data[start + i] = fromLinear(means[i]);
  });
  for (let y = 0; y < source.height; y++) {
    source.read(y, row, CHANNELS);
    table.toLinear(row);
    mean.addRow(row);
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
