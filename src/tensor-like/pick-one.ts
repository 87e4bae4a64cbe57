import { checkPick } from '../tensor.ts';
import type { Placed } from './packed.ts';

/**
 * Selects one of a batch.
 *
 * @param pick  its index, from 0
 * @throws TaesdError SHAPE (a smaller batch)
 */
export function pickOne(what: string, { view, shape }: Placed, pick: number): Placed {
  checkPick(what, pick, shape);
  const first = view.first + pick * view.strides[0];
  return {
    view: { ...view, sizes: [1, ...view.sizes.slice(1)], first },
    shape: [1, ...shape.slice(1)],
  };
}
