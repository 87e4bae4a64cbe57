import type { Chw } from '../../model/measure.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import { quadsOf } from './pack.ts';

/*
 * Rows as callers have them, f32 [rows][width][channels], and as a device has them: planes of quads, f32
 * [⌈channels / 4⌉][rows][width][4].
 */

/** Some rows of a source; channels that fill up the last quad are 0. */
export function planesOf(source: RowSource, { first, end }: Span): Float32Array<ArrayBuffer> {
  const { channels, width } = source;
  const rows = end - first;
  const quads = quadsOf(channels);
  const planes = new Float32Array(quads * 4 * rows * width);
  const row = new Float32Array(quads * 4 * width);
  for (let y = first; y < end; y++) {
    if (quads === 1) {
      source.read(y, planes.subarray((y - first) * 4 * width, (y - first + 1) * 4 * width), 4);
      continue;
    }
    source.read(y, row, 4 * quads);
    for (let quad = 0; quad < quads; quad++) {
      const at = (quad * rows + y - first) * width * 4;
      for (let x = 0; x < width; x++) {
        const from = (x * quads + quad) * 4;
        for (let c = 0; c < 4; c++) planes[at + 4 * x + c] = row[from + c];
      }
    }
  }
  return planes;
}

/** Rows as the callers want them, channels last, from planes of quads. */
export function rowBatch(
  planes: Float32Array,
  { first, end }: Span,
  [channels, , width]: Chw,
): RowBatch {
  const count = end - first;
  const quads = quadsOf(channels);
  const stride = 4 * quads;
  if (quads === 1) return { first, count, stride, data: planes.slice() };
  const data = new Float32Array(planes.length);
  const pixels = count * width;
  for (let quad = 0; quad < quads; quad++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const from = 4 * (quad * pixels + pixel);
      const to = pixel * stride + 4 * quad;
      for (let c = 0; c < 4; c++) data[to + c] = planes[from + c];
    }
  }
  return { first, count, stride, data };
}
