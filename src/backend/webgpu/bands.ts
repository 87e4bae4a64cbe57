import { expected } from '../../errors.ts';
import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { ConvStage, Plan, Stage } from '../plan.ts';
import { neededRows, stageWork, TILE, wholeRows } from '../rows-needed.ts';
import type { Stored } from './convolution.ts';
import { quadsOf, writtenQuads } from './pack.ts';
import { POINTS, POINTS_BYTES } from './winograd.ts';

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
  /** The numbers of the stages that are run. */
  readonly stages: Span;
  /** The rows of each map that are made, or were. */
  readonly rows: readonly Span[];
  /** The rows of each map that its buffer holds. */
  readonly stored: readonly Span[];
  /** Rows of the network's output, where these are the last stages. */
  readonly span: Span | undefined;
}

/** How the maps lie in buffers. */
export interface Layout {
  readonly bands: readonly Band[];
  /** The buffer of each map. */
  readonly slotOf: readonly number[];
  /** Of each of them, and of two more: the points and the products of Winograd's convolutions. */
  readonly slotBytes: readonly number[];
  /** What the points, or the products, may take. */
  readonly pointsBytes: number;
}

const BYTES: Readonly<Record<Stored, number>> = { f32: 4, f16: 2 };

/** Bytes of so many rows of a map. */
export const mapBytes = ([channels, , width]: Chw, rows: number, stored: Stored): number =>
  quadsOf(channels) * 4 * BYTES[stored] * width * rows;

/**
 * The layout of least work that the limits allow: whole; or in bands; or in bands up to some map that is kept whole, and
 * from there on. The last is what large pictures want: their maps of a quarter of the height fit, and bands of those would
 * need the most rows around them, as each row there stands for four.
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
  const whole = bandsOf(plan, shapes, stored, span, limits, undefined);
  if (whole.fits && whole.layout.bands.length === 1) return whole.layout;
  const fitting = [
    whole,
    ...cuts(plan).map((cut) => bandsOf(plan, shapes, stored, span, limits, cut)),
  ]
    .filter(({ fits }) => fits)
    .sort((a, b) => a.work - b.work);
  if (fitting.length > 0) return fitting[0].layout;
  const { slotBytes } = whole.layout;
  const all = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
  const rule = `rows of at most ${limits.mapBytes} bytes a map, ${limits.allBytes} in all`;
  const got = `${Math.max(...slotBytes)} and ${all} for a picture ${shapes.at(-1)?.[2]} wide`;
  throw expected('LIMIT', 'webgpu', 'maps', rule, got, 'the latter is maxMemory');
}

/** The fewest bands that fit, of nearly equal height, for a map that is kept whole; `fits` is false where none do. */
function bandsOf(
  plan: Plan,
  shapes: readonly Chw[],
  stored: readonly Stored[],
  span: Span,
  limits: Limits,
  cut: number | undefined,
): { layout: Layout; fits: boolean; work: number } {
  const slotOf = assignSlots(plan, cut);
  const pointsBytes = Math.min(POINTS_BYTES, limits.mapBytes, limits.allBytes / 8);
  const last = plan.stages.length;
  const late = { first: cut ?? 0, end: last };
  const kept = cut === undefined ? undefined : neededRows(plan, shapes, span, late)[cut];
  const layoutOf = (counts: readonly number[], some = false): Layout => {
    const bands: Band[] = [];
    const add = (stages: Span, wanted: Span, count: number) => {
      const parts = split(wanted, count);
      const samples = [parts[0], parts[count >> 1], parts[count - 1]];
      for (const part of some ? samples : parts) {
        const rows = neededRows(plan, shapes, part, stages);
        const held = rows.map((own, map) => (map === cut ? (kept as Span) : own));
        bands.push({ stages, rows, stored: held, span: stages.end === last ? part : undefined });
      }
    };
    if (kept !== undefined) add({ first: 0, end: cut as number }, kept, counts[1]);
    add(late, span, counts[0]);
    const slotBytes: number[] = [];
    for (const { stored: held } of bands) {
      for (const [map, { first, end }] of held.entries()) {
        const bytes = mapBytes(shapes[map], end - first, stored[map]);
        slotBytes[slotOf[map]] = Math.max(slotBytes[slotOf[map]] ?? 0, bytes);
      }
    }
    const most = mostPoints(plan, shapes, bands, pointsBytes);
    return { bands, slotOf, slotBytes: [...slotBytes, most.points, most.products], pointsBytes };
  };
  const fits = ({ slotBytes, bands }: Layout): boolean =>
    slotBytes.every((bytes) => bytes <= limits.mapBytes) &&
    slotBytes.reduce((sum, bytes) => sum + bytes, 0) <= limits.allBytes &&
    // Workgroups are at least one row and 16 columns.
    shapes.every(([, , width]) => width <= 16 * limits.groups) &&
    bands.every(({ rows }) => rows.every(({ first, end }) => end - first <= limits.groups));
  const heights = [span, kept].map((rows) => (rows === undefined ? 1 : rows.end - rows.first));
  // Single rows: the first, one in the middle, which has the most around it, and the last speak for all.
  const finest = layoutOf(heights, true);
  if (!fits(finest)) return { layout: finest, fits: false, work: Infinity };
  const counts = [1, 1];
  for (;;) {
    const layout = layoutOf(counts);
    if (fits(layout)) return { layout, fits: true, work: workOf(plan, shapes, layout.bands) };
    // Rows that lie otherwise on the tiles' grid than those three may need a little more.
    if (counts.every((count, n) => count === heights[n])) {
      return { layout, fits: false, work: Infinity };
    }
    // Whichever of the two takes more is divided further.
    const sizes = [late, { first: 0, end: cut ?? 0 }].map((stages) =>
      Math.max(
        0,
        ...layout.bands
          .filter((band) => band.stages.first === stages.first)
          .map((band) => bytesOf(band, shapes, stored, cut)),
      ),
    );
    const n = counts[1] < heights[1] && (sizes[1] > sizes[0] || counts[0] === heights[0]) ? 1 : 0;
    counts[n] = Math.min(heights[n], Math.ceil(counts[n] * 1.25));
  }
}

/** A span in so many parts, one after the other. */
function split({ first, end }: Span, count: number): Span[] {
  const at = (n: number) => first + Math.floor((n * (end - first)) / count);
  return Array.from({ length: count }, (_, n) => ({ first: at(n), end: at(n + 1) }));
}

/** Bytes of a band's largest map, but for the one that is kept. */
function bytesOf(
  { rows }: Band,
  shapes: readonly Chw[],
  stored: readonly Stored[],
  cut: number | undefined,
): number {
  const bytes = rows.map(({ first, end }, map) =>
    map === cut ? 0 : mapBytes(shapes[map], end - first, stored[map]),
  );
  return Math.max(...bytes);
}

function workOf(plan: Plan, shapes: readonly Chw[], bands: readonly Band[]): number {
  let work = 0;
  for (const { stages, rows } of bands) {
    for (const stage of plan.stages.slice(stages.first, stages.end)) {
      const { first, end } = rows[stage.output];
      work += stageWork(stage, end - first, shapes[stage.output][2]);
    }
  }
  return work;
}

/** The rows of its own output, before a shuffle makes pixels of them, that a convolution makes for rows of the map. */
export function convRows(stage: ConvStage & Stage, rows: Span): Span {
  const { first, end } = wholeRows(stage, rows);
  return { first: first / stage.shuffle, end: end / stage.shuffle };
}

/** Some rows of tiles of a convolution, which are transformed, multiplied and transformed back together. */
export interface TileRows {
  readonly first: number;
  readonly count: number;
  /** Tiles in a row. */
  readonly columns: number;
}

/** The rows of tiles of a stage in a band, as many at a time as points and products have room for, but at least one. */
export function tileRowsOf(
  stage: ConvStage & Stage,
  shapes: readonly Chw[],
  { rows }: Band,
  pointsBytes: number,
): TileRows[] {
  const made = convRows(stage, rows[stage.output]);
  const [, , width] = shapes[stage.output];
  const columns = Math.ceil(width / stage.shuffle / TILE);
  const first = made.first / TILE;
  const all = made.end / TILE - first;
  const quads = Math.max(quadsOf(stage.conv.cin), writtenQuads(stage));
  const most = Math.max(1, Math.floor(pointsBytes / (quads * columns * POINT_QUAD_BYTES)));
  const pieces = Math.ceil(all / most);
  return Array.from({ length: pieces }, (_, n) => {
    const [from, end] = [n, n + 1].map((k) => Math.floor((k * all) / pieces));
    return { first: first + from, count: end - from, columns };
  });
}

/** Bytes that a quad of channels of a tile takes, at all points. */
const POINT_QUAD_BYTES = POINTS * 16;

/** The most that points and products take in any stage. */
function mostPoints(
  plan: Plan,
  shapes: readonly Chw[],
  bands: readonly Band[],
  pointsBytes: number,
): { points: number; products: number } {
  // A binding of nothing is none.
  let [points, products] = [16, 16];
  for (const band of bands) {
    for (const stage of plan.stages.slice(band.stages.first, band.stages.end)) {
      if (stage.kind !== 'conv' || !stage.winograd) continue;
      for (const { count, columns } of tileRowsOf(stage, shapes, band, pointsBytes)) {
        const bytes = count * columns * POINT_QUAD_BYTES;
        points = Math.max(points, bytes * quadsOf(stage.conv.cin));
        products = Math.max(products, bytes * writtenQuads(stage));
      }
    }
  }
  return { points, products };
}

/**
 * Gives each map a buffer that no other map is in while it is alive: three do for a decoder, and one for its input. The map
 * that is kept while bands come and go shares with none.
 */
function assignSlots(plan: Plan, kept: number | undefined): number[] {
  const lastUse: number[] = [];
  for (const [n, stage] of plan.stages.entries()) {
    lastUse[stage.input] = n;
    if (stage.kind === 'conv' && stage.add !== undefined) lastUse[stage.add] = n;
  }
  // The input has a buffer of its own: it is written before all else.
  const slotOf = [0];
  /** The map that lies in each slot. */
  const holds: number[] = [0];
  for (const [n, stage] of plan.stages.entries()) {
    const isFree = (map: number, slot: number) => slot > 0 && map !== kept && lastUse[map] < n;
    const free = stage.output === kept ? -1 : holds.findIndex(isFree);
    const slot = free < 0 ? holds.length : free;
    holds[slot] = stage.output;
    slotOf[stage.output] = slot;
  }
  return slotOf;
}

/**
 * The maps at which the plan can be parted, as all that comes after goes by them, and is worth it: where rows become fewer
 * or more.
 */
function cuts({ stages }: Plan): number[] {
  const maps = stages.map((_, n) => n).slice(1);
  return maps.filter((map) => {
    const maker = stages[map - 1];
    const later = stages.slice(map);
    const changes =
      maker.kind === 'conv' &&
      (maker.conv.stride === 2 ||
        maker.shuffle > 1 ||
        later.some((stage) => stage.kind === 'conv' && stage.upsample && stage.input === map));
    const isPassed = (stage: Stage) =>
      stage.input < map || (stage.kind === 'conv' && stage.add !== undefined && stage.add < map);
    return changes && !later.some(isPassed);
  });
}
