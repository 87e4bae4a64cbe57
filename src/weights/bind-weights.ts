import { TaesdError } from '../errors.ts';
import { type BoundNetwork, bindNetwork } from '../model/bind.ts';
import type { Half } from '../model/layers.ts';
import type { Variant } from '../model/variants.ts';
import { lazily } from '../platform/lazily.ts';
import type { ModelTensors } from './weight-file.ts';

/** The networks of a model, and what a user may want to know of its weights. */
export interface BoundWeights {
  readonly networks: ReadonlyMap<Half, BoundNetwork>;
  /** One sentence; undefined if the file was as expected. */
  readonly note: string | undefined;
}

/**
 * Gives the layers of a model their weights. Convolutions with channels last are converted.
 *
 * @throws TaesdError SHAPE (missing tensors or wrong shapes, with the spare tensors), UNSUPPORTED
 *   (weights of a model that is not supported, by its name), NONFINITE
 */
export async function bindWeights(
  variant: Variant,
  halves: readonly Half[],
  tensors: ModelTensors,
): Promise<BoundWeights> {
  const { spare } = tensors;
  const networks = new Map<Half, BoundNetwork>();
  const notes: string[] = [];
  if (spare !== undefined) notes.push((await lazily(() => import('./misfit.ts'))).spareNote(spare));
  for (const half of halves) {
    const weights = tensors[half];
    if (weights === undefined) continue;
    try {
      // Imported when needed: most models are not of videos.
      const bound = variant.isOfVideos
        ? (await lazily(() => import('./fold-frames.ts'))).bindHalf(variant, half, weights)
        : bindNetwork(half, variant.networks[half], weights);
      networks.set(half, bound);
    } catch (error) {
      if (!(error instanceof TaesdError) || error.code !== 'SHAPE') throw error;
      // Imported when needed. An environment without `import()` gets the error as it is.
      const misfit = await lazily(() => import('./misfit.ts')).catch(() => undefined);
      if (misfit === undefined) throw error;
      const { bound, note } = misfit.mend(variant, half, weights, spare);
      networks.set(half, bound);
      notes.push(note);
    }
  }
  return { networks, note: notes.length > 0 ? notes.join('; ') : undefined };
}
