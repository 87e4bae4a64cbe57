import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { bandFrom, inputRows, leastRows, type Plan, rowWork, type Stage } from './plan.ts';

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
 * @param wanted  rows of the last map; those that share a tile with the first or the last are made too
 */
export function* schedule(plan: Plan, shapes: readonly Chw[], wanted: Span): Generator<Step> {
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

/**
 * The rows of each map that rows `wanted` of the last one depend on: tiles whole, though not bands, since what is made twice
 * where a picture is divided grows by these with every stage.
 */
function neededRows(plan: Plan, shapes: readonly Chw[], wanted: Span): Span[] {
  const needed = shapes.map(([, height]) => ({ first: height, end: 0 }));
  needed[needed.length - 1] = { ...wanted };
  const widen = (map: number, { first, end }: Span) => {
    needed[map].first = Math.min(needed[map].first, first);
    needed[map].end = Math.max(needed[map].end, end);
  };
  for (const stage of plan.stages.toReversed()) {
    const [, height] = shapes[stage.output];
    const least = leastRows(stage);
    const { first, end } = needed[stage.output];
    const whole = {
      first: Math.min(Math.floor(first / least) * least, height),
      end: Math.min(Math.ceil(end / least) * least, height),
    };
    widen(stage.output, whole);
    widen(stage.input, inputRows(stage, whole, shapes[stage.input][1]));
    if (stage.kind === 'conv' && stage.add !== undefined) widen(stage.add, whole);
  }
  return needed;
}

/** The multiply-adds that rows `wanted` of the output take. */
export function workFor(plan: Plan, shapes: readonly Chw[], wanted: Span): number {
  const needed = neededRows(plan, shapes, wanted);
  return plan.stages.reduce((sum, stage) => {
    const { first, end } = needed[stage.output];
    return sum + Math.max(end - first, 0) * rowWork(stage, shapes[stage.output][2]);
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
