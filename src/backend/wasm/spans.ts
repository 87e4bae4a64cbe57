import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { TILE } from './layout.ts';
import type { Plan } from './plan.ts';
import { workFor } from './schedule.ts';

/**
 * The most rows of the output in one span if there are several spans, and the most rows of each
 * worker that wait for their turn. A worker that has a longer span to itself is stopped in time.
 */
export const OUTPUT_ROWS = 512;
/** The most rows at full height. A worker gets the input of a span in one message. */
const FULL_ROWS = 2048;

/** Another worker is used if it makes the whole faster by this factor. */
const GAIN = 1.1;

/**
 * Divides the rows of the output among as many workers as gain by it, at most `workers`. With more
 * than one, the rows around each span are computed once more, by whole tiles at every stage. Half
 * of a 1024×1024 decode is 55 % of the work. Half of an encode of that size is 97 %, which one
 * worker does better.
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
 * Divides rows into equal spans, as many for each worker. No span has more than `OUTPUT_ROWS` rows,
 * or more than `FULL_ROWS` at full height, and each begins where tiles begin on every level.
 */
export function spansOf(shapes: readonly Chw[], wanted: Span, workers: number): Span[] {
  const heights = shapes.map(([, height]) => height);
  const output = heights[heights.length - 1];
  const tallest = Math.max(...heights);
  const scale = Math.max(1, Math.round(tallest / output));
  // The height of a tile of the coarsest level, in rows of the output.
  const coarsest = Math.min(...heights);
  const grid = Math.max(1, Math.round(output / coarsest)) * TILE;
  const rows = wanted.end - wanted.first;
  const maxRows = Math.min(OUTPUT_ROWS, FULL_ROWS / scale);
  const rounds = Math.max(1, Math.ceil(rows / (workers * maxRows)));
  const length = Math.ceil(rows / (workers * rounds) / grid) * grid;
  const spans: Span[] = [];
  for (let first = wanted.first; first < wanted.end; ) {
    const end = Math.min(Math.floor(first / grid) * grid + length, wanted.end);
    spans.push({ first, end });
    first = end;
  }
  return spans;
}
