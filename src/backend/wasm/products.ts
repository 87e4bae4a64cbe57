import type { Conv } from '../../model/layers.ts';
import type { Chw } from '../../model/measure.ts';
import type { Precision } from '../../options/types.ts';
import { type ConvStage, NOMINAL, type Plan, type Stage } from '../plan.ts';
import { stageWork } from '../rows-needed.ts';
import { COARSE, MAX_NARROW_WORK, MAX_WIDE_WORK } from '../segment.ts';
import { CHUNK } from './layout.ts';
import type { Products } from './pack.ts';

/** Tells whether a convolution sums more than 64 channels. */
const isDeep = ({ cin }: Conv): boolean => cin > CHUNK;

/**
 * Tells whether a convolution sums more than 64 channels into fewer. Its output is all that goes on
 * to finer maps, and no skip connection goes around it. In taew2_1's decoder such layers are
 * 13 % of the work and made 43 % of the error of `fast`: in f32, a decode of 512×512 keeps 64.3 dB
 * against f32, not 61.8. In taeqi2_1 that is 69.0, not 68.5.
 */
const narrowsWide = (conv: Conv): boolean => isDeep(conv) && conv.cout < conv.cin;

/**
 * Returns the rule by which the convolutions of a network multiply. Coarse ones multiply in f32 in
 * `fast` too, if they are a small part of the work (segment.ts).
 */
export function productsRule(
  plan: Plan,
  precision: Precision | undefined,
): (stage: ConvStage & Stage) => Products {
  const shapes = plan.shapes([1, NOMINAL, NOMINAL]);
  const heights = shapes.map(([, height]) => height);
  const coarse = Math.max(...heights) / COARSE;
  /** Returns the multiply-adds of the convolutions on maps no higher than `max`. */
  const workTo = (max: number, isCounted = (_: Conv) => true) =>
    plan.stages.reduce((sum, stage) => {
      const [, height, width]: Chw = shapes[stage.output];
      const counts = stage.kind === 'conv' && height <= max && isCounted(stage.conv);
      return counts ? sum + stageWork(stage, height, width) : sum;
    }, 0);
  const all = workTo(Infinity);
  const deep = Math.min(
    coarse,
    Math.max(0, ...heights.filter((height) => workTo(height) <= MAX_WIDE_WORK * all)),
  );
  const narrow = workTo(coarse, (conv) => !isDeep(conv)) <= MAX_NARROW_WORK * all ? coarse : 0;
  const i16 = heights[heights.length - 1] < NOMINAL ? 'i16 but flat' : 'i16';
  return ({ conv, output }) => {
    const isExact = heights[output] <= (isDeep(conv) ? deep : narrow) || narrowsWide(conv);
    return precision !== 'fast' || isExact ? 'f32' : i16;
  };
}
