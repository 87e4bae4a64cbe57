import type { StepView } from '../engine/protocol.ts';

/** The numbers that the first layer reads. */
export const PICTURE = 'picture';

/**
 * Returns the name of the step that made what another one reads.
 *
 * @param name   a layer, or an operation inside of a block
 * @param steps  the layers, the encoder's first
 * @param input  which of its inputs is meant, for sums of two. Defaults to the first
 */
export function inputOf(
  name: string,
  steps: readonly Pick<StepView, 'name' | 'layer'>[],
  input = 0,
): string {
  const [half, index, ...inner] = name.split('.');
  const block = `${half}.${index}`;
  const at = steps.findIndex((step) => step.name === block);
  const outer = steps[at]?.layer;
  const before = at > 0 ? steps[at - 1].name : PICTURE;
  if (inner.length === 0 || outer?.kind !== 'block') return before;
  const place = inner.join('.');
  const start = outer.pool ? `${block}.x+pool` : before;
  const number = Number(inner[1]);
  switch (place) {
    case 'fuse':
      return `${block}.add`;
    case 'add':
      if (input === 0) return `${block}.conv.4`;
      return outer.cin === outer.cout ? start : `${block}.skip`;
    case 'skip':
      return start;
    case 'x+pool':
      return input === 0 ? before : `${block}.pool.${LAST_OF_POOL}`;
    default:
      if (number > 0) return `${block}.${inner[0]}.${number - 1}`;
      return inner[0] === 'conv' ? start : before;
  }
}

/** A pool's operations: convolution, group norm, ReLU, convolution. */
const LAST_OF_POOL = 3;
