import { geometryOf, inputRange } from '../model/geometry.ts';
import { upsample2x } from '../model/layers.ts';
import { type Chw, pixelMultiplyAdds } from '../model/measure.ts';
import type { Span } from './backend.ts';
import type { Plan, Stage } from './plan.ts';

/*
 * The arithmetic of rows: which rows of one map a stage needs for which rows of the next.
 */

/** The fewest rows a stage makes at once. They begin at multiples of it. */
export function fewestRows(stage: Stage): number {
  if (stage.kind !== 'conv') return geometryOf(stage)[0];
  return stage.tile * stage.shuffle;
}

/**
 * Widens a span of a stage's output to the rows it makes at once. The last of them may lie below
 * the picture.
 */
export function wholeRows(stage: Stage, { first, end }: Span): Span {
  const rows = fewestRows(stage);
  return { first: Math.floor(first / rows) * rows, end: Math.ceil(end / rows) * rows };
}

/**
 * The rows of its input that a stage needs for rows `span` of its output, without those outside the
 * picture.
 */
export function inputRows(stage: Stage, span: Span, inputHeight: number): Span {
  const { first, end } = wholeRows(stage, span);
  const isConv = stage.kind === 'conv';
  const shuffle = isConv ? stage.shuffle : 1;
  const own = { first: first / shuffle, last: end / shuffle - 1 };
  let range = inputRange(isConv ? stage.conv : stage, own);
  if (isConv && stage.upsample) range = inputRange(upsample2x(), range);
  return { first: Math.max(range.first, 0), end: Math.min(range.last + 1, inputHeight) };
}

/**
 * The rows of each map that rows `wanted` of the last one need. Ignores that the schedule makes
 * several rows of tiles at once. Counting them would add a band of repeated rows a stage.
 *
 * @param plan  the whole chain, or a part of it. Maps that none of its stages reads or makes get no
 *   rows.
 */
export function neededRows(
  { stages, rules }: Pick<Plan, 'stages' | 'rules'>,
  shapes: readonly Chw[],
  wanted: Span,
): Span[] {
  const needed = shapes.map((): Span => ({ first: 0, end: 0 }));
  const need = (map: number, { first, end }: Span) => {
    const before = needed[map];
    const [, height] = shapes[map];
    needed[map] = {
      first: Math.min(before.end > 0 ? before.first : height, first),
      end: Math.max(before.end, Math.min(end, height)),
    };
  };
  need(stages[stages.length - 1]?.output ?? 0, wanted);
  for (const stage of [...stages].reverse()) {
    const { input, output } = stage;
    if (rules.storesWholeTiles) need(output, wholeRows(stage, needed[output]));
    need(input, inputRows(stage, needed[output], shapes[input][1]));
    if (stage.kind === 'conv' && stage.add !== undefined) need(stage.add, needed[output]);
  }
  return needed;
}

/** Returns the multiply-adds of a direct convolution for `rows` rows of a stage's output. */
export function stageWork(stage: Stage, rows: number, width: number): number {
  if (stage.kind !== 'conv') return 0;
  return (pixelMultiplyAdds(stage.conv) * rows * width) / stage.shuffle ** 2;
}
