import type { BoundNetwork } from '../model/bind.ts';
import { needsWholeMap } from '../model/layers.ts';
import type { Precision } from '../options/types.ts';
import type { Runner } from './batches.ts';

/*
 * The doors to segments.ts, which is imported for networks that have a barrier: most have none.
 */

/** A stretch of a network that streams: only its first layer may need the whole map. */
export interface Segment {
  readonly network: BoundNetwork;
  readonly precision: Precision;
}

/**
 * Maps of this part of the full height, or less, are computed in f32 in either precision. In taesd
 * they are 2 % of the work. With them in 16 bits too, decoded pictures lose 2 to 3 dB, and some
 * latents of taesd are two 8-bit steps off.
 *
 * Models that shrink pictures further have wide layers there, of more than 64 channels. Those are
 * f32 if their map and all coarser ones are at most `MAX_WIDE_WORK` of the work. In taesana they are
 * 6 %, and a decode keeps 62.0 dB against f32, 58.6 if only the coarsest is f32. In taeqi2_1 its
 * coarsest is 19 %: in 16 bits, a decode keeps 63.4 dB and takes 0.69 of the time, else 65.3 dB and
 * 0.77. These figures belong to seeded weights.
 */
export const COARSE = 8;
export const MAX_WIDE_WORK = 1 / 8;

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
  const { segmentsOf } = await import('./segments.ts');
  return segmentsOf(network, precision);
}

/** Returns the runner of a network, given its segments and the runner of each. */
export async function joined(
  segments: readonly Segment[],
  runners: readonly Runner[],
): Promise<Runner> {
  if (!segments.some(({ network: [{ layer }] }) => needsWholeMap(layer))) return runners[0];
  const { segmentedRunner } = await import('./segments.ts');
  return segmentedRunner(segments, runners);
}
