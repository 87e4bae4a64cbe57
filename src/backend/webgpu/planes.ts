import type { Chw } from '../../model/measure.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import { quadsOf } from './pack.ts';

/*
 * From rows as callers have them, f32 [rows][width][channels], to planes of quads as a device has
 * them, f32 [⌈channels / 4⌉][rows][width][4], and back. Both work a portion at a time, so that the
 * event loop can have turns between.
 */

/** Quads of a portion: 4 MB. A picture's portion takes about 2 ms to hand on. */
const PORTION_QUADS = 2 ** 18;

const rowsOfPortion = (rows: number, rowQuads: number): number =>
  Math.min(rows, Math.max(1, Math.floor(PORTION_QUADS / rowQuads)));

/** Numbers, and the byte of the planes they begin at. Valid until the next portion is requested. */
export interface PlanePortion {
  readonly offset: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Reads rows of a source as planes. Channels that fill up the last quad are 0. */
export function* planePortions(
  source: RowSource,
  { first, end }: Span,
): Generator<PlanePortion, void, void> {
  const { channels, width } = source;
  const quads = quadsOf(channels);
  const max = rowsOfPortion(end - first, width * quads);
  const rows = new Float32Array(max * width * quads * 4);
  const plane = quads === 1 ? rows : new Float32Array(max * width * 4);
  const rowLength = 4 * quads * width;
  for (let y = first; y < end; y += max) {
    const count = Math.min(max, end - y);
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
 * Returns planes as rows, channels last.
 *
 * @param planes  f32, or bytes that stand for 0 to 1, of a map of at most four channels
 * @throws TypeError (the planes lay in mapped memory, and were lost with their device)
 */
export function* rowBatches(
  planes: Float32Array | Uint8Array,
  { first, end }: Span,
  [channels, , width]: Chw,
): Generator<RowBatch, void, void> {
  const quads = quadsOf(channels);
  const stride = 4 * quads;
  const max = rowsOfPortion(end - first, width * quads);
  const unit = planes.BYTES_PER_ELEMENT === 1 ? 255 : 1;
  const isPlane = unit === 1 && quads === 1;
  const rows = isPlane ? new Float32Array(0) : new Float32Array(max * width * stride);
  const all = (end - first) * width;
  for (let y = first; y < end; y += max) {
    const count = Math.min(max, end - y);
    const [before, pixels] = [(y - first) * width, count * width];
    if (isPlane) {
      const data = planes.subarray(4 * before, 4 * (before + pixels)) as Float32Array;
      yield { first: y, count, stride, data };
      continue;
    }
    for (let quad = 0; quad < quads; quad++) {
      // If the memory is gone, `subarray` throws. Numbers read one by one would be undefined, then
      // NaN.
      const from = 4 * (quad * all + before);
      const plane = planes.subarray(from, from + 4 * pixels);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const to = pixel * stride + 4 * quad;
        for (let c = 0; c < 4; c++) rows[to + c] = plane[4 * pixel + c] / unit;
      }
    }
    yield { first: y, count, stride, data: rows.subarray(0, pixels * stride) };
  }
}
