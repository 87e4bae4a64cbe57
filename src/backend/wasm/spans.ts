import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { RowBatch } from '../batches.ts';
import { TILE } from './layout.ts';
import type { Plan } from './plan.ts';
import { workFor } from './schedule.ts';

/**
 * The most rows of the output in one span where there are several, and the most that wait for their turn of each worker. One
 * that has a longer span to itself is stopped in time.
 */
export const OUTPUT_ROWS = 512;
/** The most rows at full height: a worker gets those of the input all at once. */
const FULL_ROWS = 2048;

/** A span of rows, and what has become of it. */
export interface Assignment<Worker> {
  readonly span: Span;
  id: number;
  worker: Worker | undefined;
  readonly batches: RowBatch[];
  done: boolean;
  error: Error | undefined;
}

/** Another worker is worth its while where all of them together are done that much sooner. */
const GAIN = 1.1;

/**
 * Divides the rows of the output among as many workers as gain by it, `workers` at most: with more than one, what lies around
 * each span is computed once more, by whole tiles at every stage. Half of a 1024×1024 decode is 55 % of the work; half of
 * an encode of that size, 97 %, is better done by one.
 */
export function divideRows(
  plan: Plan,
  shapes: readonly Chw[],
  wanted: Span,
  workers: number,
): Span[] {
  let best = { spans: [wanted], load: workFor(plan, shapes, wanted) };
  for (let count = 2; count <= workers; count++) {
    const spans = spansOf(shapes, wanted, count);
    const load = spans.reduce((sum, span) => sum + workFor(plan, shapes, span), 0) / count;
    if (load * GAIN < best.load) best = { spans, load };
  }
  return best.spans;
}

/**
 * Divides rows into equal spans, as many for each worker, none of more than `OUTPUT_ROWS`, nor of more than
 * `FULL_ROWS` at full height, beginning where tiles begin on every level.
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
  const most = Math.min(OUTPUT_ROWS, FULL_ROWS / scale);
  const rounds = Math.max(1, Math.ceil(rows / (workers * most)));
  const length = Math.ceil(rows / (workers * rounds) / grid) * grid;
  const spans: Span[] = [];
  for (let first = wanted.first; first < wanted.end; ) {
    const end = Math.min(Math.floor(first / grid) * grid + length, wanted.end);
    spans.push({ first, end });
    first = end;
  }
  return spans;
}
