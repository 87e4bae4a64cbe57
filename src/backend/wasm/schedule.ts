import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { bandFrom, bandRows, inputRows, type Plan, type Stage } from './plan.ts';

/** A stage makes rows `span` of its output; without a stage, rows of the input are read. */
export interface Step {
  readonly stage: Stage | undefined;
  readonly map: number;
  readonly span: Span;
}

/**
 * The order of work: each row of the output pulls the rows that it needs, those pull theirs, and so on to the
 * input. Every row of every map is made once, in order, as late as possible.
 *
 * @param shapes  of the maps, from `plan.shapes`
 * @param wanted  rows of the last map; those above them that share a band with the first are made too
 */
export function* schedule(plan: Plan, shapes: readonly Chw[], wanted: Span): Generator<Step> {
  const height = (map: number) => shapes[map][1];
  /** Rows of each map are made up to here. */
  const made = firstRows(plan, shapes, wanted.first);

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
    const span = stage === undefined ? { first, end } : bandFrom(stage, first, shapes[map]);
    if (stage !== undefined) {
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

/** The first row of each map that rows from `first` of the last one depend on, at the start of its band. */
function firstRows(plan: Plan, shapes: readonly Chw[], first: number): number[] {
  const rows = shapes.map(([, height]) => height);
  rows[rows.length - 1] = first;
  for (const stage of plan.stages.toReversed()) {
    const shape = shapes[stage.output];
    const [, height, width] = shape;
    const band = bandRows(stage, width);
    rows[stage.output] = Math.min(Math.floor(rows[stage.output] / band) * band, height);
    const span = bandFrom(stage, rows[stage.output], shape);
    const need = inputRows(stage, span, shapes[stage.input][1]).first;
    rows[stage.input] = Math.min(rows[stage.input], need);
    if (stage.kind === 'conv' && stage.add !== undefined) {
      rows[stage.add] = Math.min(rows[stage.add], span.first);
    }
  }
  return rows;
}

/** The rows of the input that rows `wanted` of the output depend on. */
export function inputSpan(plan: Plan, shapes: readonly Chw[], wanted: Span): Span {
  const [first] = firstRows(plan, shapes, wanted.first);
  let end = first;
  for (const { map, span } of schedule(plan, shapes, wanted)) if (map === 0) end = span.end;
  return { first, end };
}

/**
 * How many rows of each map are alive at once, so that a ring of that many holds it: found by going through the
 * whole schedule without computing anything.
 */
export function ringRows(plan: Plan, shapes: readonly Chw[], wanted: Span): number[] {
  const rows = shapes.map(() => 1);
  const made = firstRows(plan, shapes, wanted.first);
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
