import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import { TILE } from './plan.ts';

/** The most rows of the highest map in one span: of those that wait for their turn, each worker holds that many. */
const SPAN_ROWS = 512;

/** A span of rows, and what has become of it. */
export interface Assignment<Worker> {
  readonly span: Span;
  id: number;
  worker: Worker | undefined;
  readonly batches: RowBatch[];
  done: boolean;
  error: Error | undefined;
}

/**
 * Divides the rows of the output among workers: equal spans, as many for each worker, none of more than `SPAN_ROWS` at
 * full height, beginning where tiles begin on every level.
 *
 * Each span costs what its surroundings cost once more: in the decoder about as much as 26 rows of the picture.
 */
export function spansOf(shapes: readonly Chw[], wanted: Span, workers: number): Span[] {
  const heights = shapes.map(([, height]) => height);
  const output = heights[heights.length - 1];
  const tallest = Math.max(...heights);
  const scale = Math.max(1, Math.round(tallest / output));
  // A tile of the coarsest level, in rows of the output.
  const coarsest = Math.min(...heights);
  const grid = Math.max(1, Math.round(output / coarsest)) * TILE;
  const rows = wanted.end - wanted.first;
  const rounds = Math.max(1, Math.ceil((rows * scale) / (workers * SPAN_ROWS)));
  const length = Math.ceil(rows / (workers * rounds) / grid) * grid;
  const spans: Span[] = [];
  for (let first = wanted.first; first < wanted.end; ) {
    const end = Math.min(Math.floor(first / grid) * grid + length, wanted.end);
    spans.push({ first, end });
    first = end;
  }
  return spans;
}
