import type { BoundNetwork } from '../model/bind.ts';
import type { Half } from '../model/layers.ts';
import type { Precision } from '../options/types.ts';

/**
 * The name of a network: a half of a model, or `network` for one that is no half; for a decoder of
 * smaller pictures, their resolution.
 */
export type NetworkName = Half | 'network' | number;

/** A stretch of a network that streams: only its first layer may need the whole map. */
export interface Segment {
  readonly network: BoundNetwork;
  readonly precision: Precision;
  /**
   * The height of the half's tallest map, as a multiple of the segment's input. Undefined for a
   * network that is not cut.
   */
  readonly tallest?: number;
}

/**
 * Maps of this part of the full height, or less, are computed in f32 in either precision. In taesd
 * they are 2 % of the work. With them in 16 bits too, decoded pictures lose 2 to 3 dB, and some
 * latents of taesd are two 8-bit steps off.
 *
 * In nano, such maps are the larger part of the work, and `fast` would gain nothing. So if
 * convolutions of at most 64 channels on them are more than `MAX_NARROW_WORK` of the work, they are
 * in 16 bits too. They are 71 and 59 % in nano's halves, 48 % in taesana's encoder, at most 3 % in
 * all others.
 *
 * Models that shrink pictures further have wide layers there, of more than 64 channels. Those are
 * f32 if their map and all coarser ones are at most `MAX_WIDE_WORK` of the work. In taesana that is
 * 6 %, and a decode keeps 62.0 dB against f32, 58.6 if only the coarsest is f32. In taeqi2_1 its
 * coarsest is 19 %: in 16 bits, a decode keeps 63.4 dB and takes 0.69 of the time, else 65.3 dB and
 * 0.77. These figures belong to seeded weights, and to a time when wide layers with fewer channels
 * out than in were not yet f32 everywhere (`wasm/products.ts`).
 */
export const COARSE = 8;
export const MAX_NARROW_WORK = 1 / 2;
export const MAX_WIDE_WORK = 1 / 8;
