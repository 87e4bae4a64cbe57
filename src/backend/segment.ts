import type { BoundNetwork } from '../model/bind.ts';
import type { Precision } from '../options/types.ts';

/** A stretch of a network that streams: only its first layer may need the whole map. */
export interface Segment {
  readonly network: BoundNetwork;
  readonly precision: Precision;
}

/**
 * Maps of this part of the full height, or less, are computed in f32 in either precision. They are
 * 2 % of the work. With them in 16 bits too, decoded pictures lose 2 to 3 dB, and some latents of
 * taesd are two 8-bit steps off.
 */
export const COARSE = 8;
