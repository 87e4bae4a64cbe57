import type { BoundNetwork } from '../model/bind.ts';
import { needsWholeMap } from '../model/layers.ts';
import type { Precision } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import type { Runner } from './batches.ts';
import type { MomentsOf } from './fold-pool.ts';
import type { Segment } from './segment.ts';

/*
 * The doors to segments.ts, which is imported for networks that have a barrier: most have none.
 */

/**
 * Returns the bytes of whole maps that a run keeps for each pixel of them: the map that a segment
 * reads and the map that it makes.
 */
export function wholeMapBytes(segments: readonly Segment[]): number {
  const channels = segments.map(({ network: [{ layer }] }) =>
    layer.kind === 'block' && layer.pool ? layer.cin : 0,
  );
  return Math.max(...channels.map((count, n) => 4 * (count + (channels[n + 1] ?? 0))));
}

/** Cuts a network before each layer that needs the whole map. */
export async function cut(
  network: BoundNetwork,
  precision: Precision,
): Promise<readonly Segment[]> {
  if (!network.some(({ layer }) => needsWholeMap(layer))) return [{ network, precision }];
  const { segmentsOf } = await lazily(() => import('./segments.ts'));
  return segmentsOf(network, precision);
}

/**
 * Returns the runner of a network, given its segments and the runner of each.
 *
 * @param startMoments  starts what computes the moments of whole maps, if it is needed
 */
export async function joined(
  segments: readonly Segment[],
  runners: readonly Runner[],
  startMoments: () => Promise<MomentsOf>,
): Promise<Runner> {
  if (!segments.some(({ network: [{ layer }] }) => needsWholeMap(layer))) return runners[0];
  const { segmentedRunner } = await lazily(() => import('./segments.ts'));
  return segmentedRunner(segments, runners, await startMoments());
}
