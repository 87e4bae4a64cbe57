import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { Plan } from '../plan.ts';
import { TILE } from '../tile.ts';
import { workFor } from './schedule.ts';

/**
 * The maximum number of output rows in a span if there are several spans. It also bounds the rows
 * of each worker that wait to be handed on: a worker pauses while more of them wait.
 */
export const OUTPUT_ROWS = 512;
/**
 * The maximum number of rows of a span at full height. A worker gets the rows of the input in one
 * message.
 */
const FULL_ROWS = 2048;

/** One more worker is used if all of them together are faster by this factor. */
const GAIN = 1.1;

/**
 * Divides the rows of the output among as many workers as gain by it, `workers` at most. With more
 * than one, the rows around each span are computed twice, by whole tiles at every stage. Half of a
 * 1024×1024 decode is 55 % of the work. Half of an encode of that size is 97 %, so one worker does
 * it all.
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
 * Divides rows into equal spans, as many for each worker. A span has at most `OUTPUT_ROWS` rows, at
 * most `FULL_ROWS` at full height, and begins where tiles begin on every level.
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
  const max = Math.min(OUTPUT_ROWS, FULL_ROWS / scale);
  const rounds = Math.max(1, Math.ceil(rows / (workers * max)));
  const length = Math.ceil(rows / (workers * rounds) / grid) * grid;
  const spans: Span[] = [];
  for (let first = wanted.first; first < wanted.end; ) {
    const end = Math.min(Math.floor(first / grid) * grid + length, wanted.end);
    spans.push({ first, end });
    first = end;
  }
  return spans;
}
