import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { Plan } from '../plan.ts';
import { TILE } from '../tile.ts';
import { workFor } from './schedule.ts';
import { busiestWork, doesPay, type WorkerLimit } from './worker-count.ts';

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

/** The spans of a run, and the number of workers that make them. */
export interface Division {
  readonly spans: readonly Span[];
  readonly workers: number;
}

/**
 * Divides the rows of the output among as many workers as pay. With more than one, the rows around
 * each span are computed twice, by whole tiles at every stage. Half of a 1024×1024 decode is 55 %
 * of the work. Half of an encode of that size is 97 %, so one worker does it all.
 */
export function divideRows(
  plan: Plan,
  shapes: readonly Chw[],
  wanted: Span,
  limit: WorkerLimit,
): Division {
  let best = { spans: [wanted], workers: 1, busiest: workFor(plan, shapes, wanted) };
  for (let workers = 2; workers <= limit.workers; workers++) {
    const spans = spansOf(shapes, wanted, workers);
    const loads = spans.map((span) => workFor(plan, shapes, span));
    const choice = { spans, workers, busiest: busiestWork(loads, workers) };
    // The grid may make fewer spans than workers. A smaller number has been tried with these.
    if (spans.length >= workers && doesPay(choice, best, limit.isDefault)) best = choice;
  }
  return best;
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
