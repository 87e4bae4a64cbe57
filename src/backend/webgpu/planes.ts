import type { Chw } from '../../model/measure.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import { quadsOf } from './pack.ts';

/*
 * Rows as callers have them, f32 [rows][width][channels], and as a device has them: planes of quads, f32
 * [⌈channels / 4⌉][rows][width][4]. Both ways a portion at a time, between which the event loop can have its turn.
 */

/** Quads of a portion, 4 MB: handing on those of a picture takes about 2 ms. */
const PORTION_QUADS = 2 ** 18;

const rowsOfPortion = (rows: number, rowQuads: number): number =>
  Math.min(rows, Math.max(1, Math.floor(PORTION_QUADS / rowQuads)));

/** Numbers, and the byte of the planes that they begin at; only until the next are asked for. */
export interface PlanePortion {
  readonly offset: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Some rows of a source as planes; channels that fill up the last quad are 0. */
export function* planePortions(
  source: RowSource,
  { first, end }: Span,
): Generator<PlanePortion, void, void> {
  const { channels, width } = source;
  const quads = quadsOf(channels);
  const most = rowsOfPortion(end - first, width * quads);
  const rows = new Float32Array(most * width * quads * 4);
  const plane = quads === 1 ? rows : new Float32Array(most * width * 4);
  const rowLength = 4 * quads * width;
  for (let y = first; y < end; y += most) {
    const count = Math.min(most, end - y);
    for (let n = 0; n < count; n++) {
      source.read(y + n, rows.subarray(n * rowLength, (n + 1) * rowLength), 4 * quads);
    }
    const pixels = count * width;
    for (let quad = 0; quad < quads; quad++) {
      for (let pixel = 0; quads > 1 && pixel < pixels; pixel++) {
        const from = 4 * (pixel * quads + quad);
        for (let c = 0; c < 4; c++) plane[4 * pixel + c] = rows[from + c];
      }
      const row = quad * (end - first) + y - first;
      yield { offset: row * width * 16, data: plane.subarray(0, 4 * pixels) };
    }
  }
}

/**
 * Planes as rows, channels last.
 *
 * @throws TypeError where the planes lay in mapped memory, and went with their device
 */
export function* rowBatches(
  planes: Float32Array,
  { first, end }: Span,
  [channels, , width]: Chw,
): Generator<RowBatch, void, void> {
  const quads = quadsOf(channels);
  const stride = 4 * quads;
  const most = rowsOfPortion(end - first, width * quads);
  const rows = quads === 1 ? undefined : new Float32Array(most * width * stride);
  const all = (end - first) * width;
  for (let y = first; y < end; y += most) {
    const count = Math.min(most, end - y);
    const [before, pixels] = [(y - first) * width, count * width];
    if (rows === undefined) {
      const data = planes.subarray(4 * before, 4 * (before + pixels));
      yield { first: y, count, stride, data };
      continue;
    }
    for (let quad = 0; quad < quads; quad++) {
      // Read one by one, numbers that are gone would be undefined, and NaN in the rows; this throws.
      const from = 4 * (quad * all + before);
      const plane = planes.subarray(from, from + 4 * pixels);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const to = pixel * stride + 4 * quad;
        for (let c = 0; c < 4; c++) rows[to + c] = plane[4 * pixel + c];
      }
    }
    yield { first: y, count, stride, data: rows.subarray(0, pixels * stride) };
  }
}
