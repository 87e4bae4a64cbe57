import { expected } from '../../errors.ts';
import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { Stored } from './convolution.ts';
import { quadsOf } from './pack.ts';
import { neededRows, type Plan } from './plan.ts';

/*
 * A picture in bands of rows, each as high as the adapter's limits allow. A band computes the rows that it needs of every
 * map and no others, so bands meet without a seam: each value is the same sum in the same order in whichever band it is.
 */

/** What a device can hold. */
export interface Limits {
  /** Bytes of one map. */
  readonly mapBytes: number;
  /** Bytes of all maps that are alive at once. */
  readonly allBytes: number;
  /** Rows or columns of workgroups of a dispatch. */
  readonly groups: number;
}

export interface Band {
  /** Rows of the output. */
  readonly span: Span;
  /** The rows of each map. */
  readonly rows: readonly Span[];
}

/** How the maps lie in buffers. */
export interface Layout {
  readonly bands: readonly Band[];
  /** The buffer of each map. */
  readonly slotOf: readonly number[];
  readonly slotBytes: readonly number[];
}

const BYTES: Readonly<Record<Stored, number>> = { f32: 4, f16: 2 };

/** Bytes of so many rows of a map. */
export const mapBytes = ([channels, , width]: Chw, rows: number, stored: Stored): number =>
  quadsOf(channels) * 4 * BYTES[stored] * width * rows;

/**
 * The fewest bands that the limits allow, of nearly equal height.
 *
 * @throws TaesdError LIMIT where not even single rows fit
 */
export function layOut(
  plan: Plan,
  shapes: readonly Chw[],
  stored: readonly Stored[],
  span: Span,
  limits: Limits,
): Layout {
  const height = span.end - span.first;
  const slotOf = assignSlots(plan);
  for (let count = 1; ; count = Math.min(height, Math.ceil(count * 1.25))) {
    const bands = Array.from({ length: count }, (_, n): Band => {
      const at = (k: number) => span.first + Math.floor((k * height) / count);
      const rows = { first: at(n), end: at(n + 1) };
      return { span: rows, rows: neededRows(plan, shapes, rows) };
    });
    const slotBytes: number[] = [];
    let fits = true;
    for (const [map, shape] of shapes.entries()) {
      const rows = Math.max(...bands.map((band) => band.rows[map].end - band.rows[map].first));
      const bytes = mapBytes(shape, rows, stored[map]);
      slotBytes[slotOf[map]] = Math.max(slotBytes[slotOf[map]] ?? 0, bytes);
      // Workgroups are at least one row and 16 columns.
      fits &&= bytes <= limits.mapBytes && rows <= limits.groups && shape[2] <= 16 * limits.groups;
    }
    const all = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
    if (fits && all <= limits.allBytes) return { bands, slotOf, slotBytes };
    if (count === height) {
      const rule = `rows of at most ${limits.mapBytes} bytes a map, ${limits.allBytes} in all`;
      const got = `${Math.max(...slotBytes)} and ${all} for a picture ${shapes.at(-1)?.[2]} wide`;
      throw expected('LIMIT', 'webgpu', 'maps', rule, got);
    }
  }
}

/** Gives each map a buffer that no other map is in while it is alive: three do for a decoder, and one for its input. */
function assignSlots(plan: Plan): number[] {
  const lastUse: number[] = [];
  for (const [n, step] of plan.steps.entries()) {
    lastUse[step.input] = n;
    if (step.kind === 'conv' && step.add !== undefined) lastUse[step.add] = n;
  }
  // The input has a buffer of its own: it is written before all else.
  const slotOf = [0];
  /** The map that lies in each slot. */
  const holds: number[] = [0];
  for (const [n, step] of plan.steps.entries()) {
    let slot = holds.findIndex((map, k) => k > 0 && lastUse[map] < n);
    if (slot < 0) slot = holds.length;
    holds[slot] = step.output;
    slotOf[step.output] = slot;
  }
  return slotOf;
}
