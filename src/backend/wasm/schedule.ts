import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { Plan, Stage } from '../plan.ts';
import { fewestRows, inputRows, neededRows, stageWork, TILE } from '../rows-needed.ts';

/** A stage makes rows `span` of its output; without a stage, rows of the input are read. */
export interface Task {
  readonly stage: Stage | undefined;
  readonly map: number;
  readonly span: Span;
}

/**
 * The order of work: each row of the output pulls the rows that it needs, those pull theirs, and so on to the
 * input. Every row of every map is made once, in order, as late as possible.
 *
 * @param shapes  of the maps, from `plan.shapes`
 * @param wanted  rows of the last map; those that share a tile with the first or the last are made too
 */
export function* schedule(plan: Plan, shapes: readonly Chw[], wanted: Span): Generator<Task> {
  const height = (map: number) => shapes[map][1];
  const needed = neededRows(plan, shapes, wanted);
  /** Rows of each map are made up to here. */
  const made = needed.map(({ first }) => first);

  // What is being pulled, innermost last. A stack and not a recursion of generators: those pass each step through all levels,
  // which took 1 % of a decode.
  const pulled = [{ map: shapes.length - 1, end: wanted.end }];
  for (let top = pulled.at(-1); top !== undefined; top = pulled.at(-1)) {
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
const PAIRED_TILES = { least: 32, most: 64 };

/**
 * The rows that a stage makes in one go, from row `y` on.
 *
 * A Winograd stage makes whole rows of tiles, on maps of middling width two: its transformed weights, 590 kB, come from
 * the third-level cache each time that it is the stage's turn, which costs 10 % of a 512×512 decode with one row
 * everywhere. With two on the narrowest maps too, or more, the rings take more memory than that is worth.
 */
export function bandFrom(stage: Stage, y: number, [, height, width]: Chw): Span {
  const rows = bandRows(stage, width);
  return { first: y, end: Math.min((Math.floor(y / rows) + 1) * rows, height) };
}

/** Rows of a whole band; bands begin at multiples of it. */
function bandRows(stage: Stage, width: number): number {
  const rows = fewestRows(stage);
  if (stage.kind !== 'conv' || !stage.winograd || stage.conv.stride === 2) return rows;
  const tiles = Math.ceil(width / TILE);
  return tiles >= PAIRED_TILES.least && tiles <= PAIRED_TILES.most ? 2 * rows : rows;
}

/** The multiply-adds that rows `wanted` of the output take. */
export function workFor(plan: Plan, shapes: readonly Chw[], wanted: Span): number {
  const needed = neededRows(plan, shapes, wanted);
  return plan.stages.reduce((sum, stage) => {
    const { first, end } = needed[stage.output];
    return sum + stageWork(stage, Math.max(end - first, 0), shapes[stage.output][2]);
  }, 0);
}

/** The rows of the input that rows `wanted` of the output depend on. */
export function inputSpan(plan: Plan, shapes: readonly Chw[], wanted: Span): Span {
  return neededRows(plan, shapes, wanted)[0];
}

/**
 * How many rows of each map are alive at once, so that a ring of that many holds it: found by going through the
 * whole schedule without computing anything.
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
    // The last map's rows are handed on at once; others stay until their readers' next band is past them.
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
