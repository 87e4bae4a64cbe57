import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { Plan, Stage } from '../plan.ts';
import { fewestRows, inputRows, neededRows, stageWork } from '../rows-needed.ts';
import { blockRowsOf, isWide } from './workspace.ts';

/**
 * Rows to make: a stage makes rows `span` of map `map`. Without a stage they are rows of the input,
 * to be read.
 */
export interface Task {
  readonly stage: Stage | undefined;
  readonly map: number;
  readonly span: Span;
}

/**
 * Yields the work in order. Each row of the output pulls the rows it needs, those pull theirs, and
 * so on to the input. Every row of every map is made once, in order, as late as possible.
 *
 * @param shapes  the shapes of the maps, from `plan.shapes`
 * @param wanted  rows of the last map. Rows that share a tile with the first or the last are made
 *   too.
 */
export function* schedule(plan: Plan, shapes: readonly Chw[], wanted: Span): Generator<Task> {
  const height = (map: number) => shapes[map][1];
  const needed = neededRows(plan, shapes, wanted);
  /** The row of each map up to which rows are made. */
  const made = needed.map(({ first }) => first);

  // The rows being pulled, innermost last. Nested generators would pass each task through all
  // levels, which took 1 % of a decode.
  const pulled = [{ map: shapes.length - 1, end: wanted.end }];
  for (let top = pulled[pulled.length - 1]; top !== undefined; top = pulled[pulled.length - 1]) {
    const { map, end } = top;
    if (made[map] >= end) {
      pulled.pop();
      continue;
    }
    const first = made[map];
    // Map m is made by stage m − 1.
    const stage: Stage | undefined = plan.stages[map - 1];
    const span = { first, end };
    if (stage !== undefined) {
      span.end = Math.min(bandFrom(stage, first, shapes[map]).end, needed[map].end);
      const inputEnd = inputRows(stage, span, height(stage.input)).end;
      if (made[stage.input] < inputEnd) {
        pulled.push({ map: stage.input, end: inputEnd });
        continue;
      }
      if (stage.kind === 'conv' && stage.add !== undefined && made[stage.add] < span.end) {
        pulled.push({ map: stage.add, end: span.end });
        continue;
      }
    }
    made[map] = span.end;
    yield { stage, map, span };
  }
}

/** A Winograd stage makes two rows of tiles at once if a row has so many tiles, else one. */
const PAIRED_TILES = { min: 32, max: 64 };

/**
 * Returns the rows that a stage makes in one go, from row `y` on.
 *
 * A Winograd stage makes one row of tiles, or two on maps of middling width. Its transformed
 * weights, up to 1 MB, come from the third-level cache each time it is the stage's turn, which
 * costs 10 % of a 512×512 decode with one row everywhere. With two rows on the narrowest maps too,
 * or with more, the rings take more memory than that gains. A wide stage makes the rows of one
 * block, for which its weights are made anew: two blocks at once would gain nothing.
 */
export function bandFrom(stage: Stage, y: number, [, height, width]: Chw): Span {
  const rows = bandRows(stage, width);
  return { first: y, end: Math.min((Math.floor(y / rows) + 1) * rows, height) };
}

/** Returns the rows of a whole band. Bands begin at multiples of them. */
function bandRows(stage: Stage, width: number): number {
  const rows = fewestRows(stage);
  if (stage.kind !== 'conv' || !stage.winograd || stage.conv.stride === 2) return rows;
  const tiles = Math.ceil(width / stage.tile);
  if (isWide(stage.conv)) return blockRowsOf(stage, tiles) * rows;
  // With two rows of tiles, the ring of the map that is added would hold a band more.
  if (stage.add !== undefined) return rows;
  return tiles >= PAIRED_TILES.min && tiles <= PAIRED_TILES.max ? 2 * rows : rows;
}

/** Returns the multiply-adds that rows `wanted` of the output take. */
export function workFor(plan: Plan, shapes: readonly Chw[], wanted: Span): number {
  const needed = neededRows(plan, shapes, wanted);
  return plan.stages.reduce((sum, stage) => {
    const { first, end } = needed[stage.output];
    return sum + stageWork(stage, Math.max(end - first, 0), shapes[stage.output][2]);
  }, 0);
}

/** Returns the rows of the input that rows `wanted` of the output depend on. */
export function inputSpan(plan: Plan, shapes: readonly Chw[], wanted: Span): Span {
  return neededRows(plan, shapes, wanted)[0];
}

/**
 * Returns the number of rows of each map that are alive at once, for which its ring needs room. It
 * goes through the whole schedule without computing anything.
 */
export function ringRows(plan: Plan, shapes: readonly Chw[], wanted: Span): number[] {
  const rows = shapes.map(() => 1);
  const made = neededRows(plan, shapes, wanted).map(({ first }) => first);
  const readers = shapes.map((_, map) =>
    plan.stages.filter(
      (stage) => stage.input === map || (stage.kind === 'conv' && stage.add === map),
    ),
  );
  for (const { map, span } of schedule(plan, shapes, wanted)) {
    made[map] = span.end;
    // The last map's rows leave as they are made. Others stay until the next band of each reader is
    // past them.
    let oldest = span.first;
    for (const stage of readers[map]) {
      const shape = shapes[stage.output];
      if (made[stage.output] >= shape[1]) continue;
      const next = bandFrom(stage, made[stage.output], shape);
      if (stage.input === map) {
        oldest = Math.min(oldest, inputRows(stage, next, shapes[map][1]).first);
      }
      if (stage.kind === 'conv' && stage.add === map) oldest = Math.min(oldest, next.first);
    }
    rows[map] = Math.max(rows[map], span.end - oldest);
  }
  return rows;
}
