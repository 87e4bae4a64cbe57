import type { Tensor } from '../../index.ts';

/** This fraction of a layer's numbers lies within its scale. A few large ones do not darken it. */
const SCALED_FRACTION = 0.995;
/** The number of bins that magnitudes are counted in to find the scale. */
const BINS = 4096;

/** The range of a layer's numbers. */
export interface MapRange {
  readonly min: number;
  readonly max: number;
  /** The fraction of zeros, 0 … 1. */
  readonly zeros: number;
  /** The magnitude shown as white. It is above 0. */
  readonly scale: number;
}

/** Finds the range of a tensor's numbers. */
export function rangeOf({ data }: Tensor): MapRange {
  let min = Infinity;
  let max = -Infinity;
  let zeros = 0;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
  }
  const largest = Math.max(-min, max);
  const scale = largest > 0 ? scaleOf(data, largest) : 1;
  return { min, max, zeros: zeros / data.length, scale };
}

function scaleOf(data: Float32Array, largest: number): number {
  const counts = new Uint32Array(BINS + 1);
  for (const value of data) counts[Math.floor((Math.abs(value) / largest) * BINS)]++;
  let within = 0;
  let bin = 0;
  for (; bin < BINS && within < SCALED_FRACTION * data.length; bin++) within += counts[bin];
  return (bin / BINS) * largest;
}
