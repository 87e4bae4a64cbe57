import { expected } from '../../errors.ts';
import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import { barriersOf, type Plan, type Stage } from '../plan.ts';
import { neededRows, stageWork } from '../rows-needed.ts';
import type { Stored } from './convolution.ts';
import { quadsOf } from './pack.ts';
import { assignSlots } from './slots.ts';
import { maxPointBytes, type PointBytes } from './tile-rows.ts';

/*
 * A picture in bands of rows, each as high as the adapter's limits allow. A band computes the rows
 * it needs of every map and no others. Bands meet without a seam: each value is one sum, in one
 * order, in whichever band it is computed.
 *
 * A normalisation is a barrier: the map before it is finished, in bands if need be, and kept whole.
 * The stages after it have bands of their own.
 */

/** The limits of a device. */
export interface Limits {
  /** Bytes of one map. */
  readonly mapBytes: number;
  /** Bytes of all maps that are alive at once. */
  readonly allBytes: number;
  /** Rows or columns of workgroups of a dispatch. */
  readonly groups: number;
  /** Bytes of Winograd's points, and of its products. A single row of tiles may take more. */
  readonly pointsBytes: number;
}

/** The picture, or latent, that is laid out. */
export interface LayoutRequest {
  readonly plan: Plan;
  /** The shape of each map, from `plan.shapes`. */
  readonly shapes: readonly Chw[];
  /** How the numbers of each map are stored. */
  readonly stored: readonly Stored[];
  /** The wanted rows of the last map. */
  readonly span: Span;
  readonly limits: Limits;
}

export interface Band {
  /** The numbers of the stages that run. */
  readonly stages: Span;
  /** The rows of each map that this band makes, or reads from the input or an earlier band. */
  readonly rows: readonly Span[];
  /** The rows of the input that are written before it; undefined if they lie there already. */
  readonly input: Span | undefined;
  /** True if the map that its first stage reads is finished now, so that its weights are folded. */
  readonly folds: boolean;
  /** The rows of each map that its buffer holds. */
  readonly stored: readonly Span[];
  /** Rows of the network's output, if the last stage is among these. */
  readonly span: Span | undefined;
}

/** How the maps lie in buffers. */
export interface Layout {
  readonly bands: readonly Band[];
  /** The number of each map's buffer. */
  readonly slotOf: readonly number[];
  /** Bytes of each slot, then of two more: Winograd's points and products. */
  readonly slotBytes: readonly number[];
  /** The maximum number of bytes for the points, and for the products. */
  readonly pointsBytes: number;
}

/** A layout, and its multiply-adds: `Infinity` if it exceeds the limits. */
interface Candidate {
  readonly layout: Layout;
  readonly work: number;
}

const NUMBER_BYTES: Readonly<Record<Stored, number>> = { f32: 4, f16: 2 };

/** Returns the bytes of so many rows of a map. */
export const mapBytes = ([channels, , width]: Chw, rows: number, stored: Stored): number =>
  quadsOf(channels) * 4 * NUMBER_BYTES[stored] * width * rows;

/**
 * Finds the layout of least work that the limits allow. Tries three: one pass; bands; bands up to
 * one whole map, then bands from it. The last suits large pictures. Their maps of a quarter of the
 * height fit as a whole. Bands of those maps would have the largest halos, since each of their rows
 * stands for four rows of the picture. With barriers there is one more pass for each.
 *
 * @throws TaesdError LIMIT (not even single rows fit)
 */
export function layOut(request: LayoutRequest): Layout {
  const whole = fewestBands(request, undefined);
  const fewest = 1 + barriersOf(request.plan).length;
  if (whole.work < Infinity && whole.layout.bands.length === fewest) return whole.layout;
  const cutOnce = cuts(request.plan).map((cut) => fewestBands(request, cut));
  const best = [whole, ...cutOnce].reduce((a, b) => (b.work < a.work ? b : a));
  if (best.work < Infinity) return best.layout;
  throw tooLarge(request, whole.layout);
}

function tooLarge({ shapes, limits }: LayoutRequest, { slotBytes }: Layout) {
  const all = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
  const rule = `at most ${limits.mapBytes} bytes for one and ${limits.allBytes} for all`;
  const width = shapes[shapes.length - 1]?.[2];
  const got = `${Math.max(...slotBytes)} and ${all} for single rows of an output ${width} wide`;
  return expected('LIMIT', 'maps', rule, got, { remedy: { api: 'maxMemory is the second limit' } });
}

/** Divides the passes of a route into as few bands of nearly equal height as fit. */
function fewestBands(request: LayoutRequest, cut: number | undefined): Candidate {
  const { shapes } = request;
  const route = routeOf(request, cut);
  // A pass without stages only writes the input.
  const heights = route.passes.map(({ stages, wanted }) =>
    stages.end === stages.first ? 1 : wanted.end - wanted.first,
  );
  // Tries three single rows first: the first, one in the middle, whose halo is the largest, and the
  // last. If they do not fit, nothing does.
  const singleRows = route.passes.map(({ wanted }, n) => samples(split(wanted, heights[n])));
  const finest = layoutOf(request, route, singleRows);
  if (!fits(finest, request)) return { layout: finest, work: Infinity };

  const counts = heights.map(() => 1);
  for (;;) {
    const parts = route.passes.map(({ wanted }, n) => split(wanted, counts[n]));
    const layout = layoutOf(request, route, parts);
    if (fits(layout, request)) return { layout, work: workOf(request.plan, shapes, layout) };
    const divisible = route.passes.filter((_, n) => counts[n] < heights[n]);
    // A row at another offset in the grid of tiles may need slightly more than these three.
    if (divisible.length === 0) return { layout, work: Infinity };
    // The pass with the larger maps is divided further, or the later one if they are equal.
    const larger = divisible.reduce((a, b) =>
      largestMap(request, route, layout, b) >= largestMap(request, route, layout, a) ? b : a,
    );
    const n = route.passes.indexOf(larger);
    counts[n] = Math.min(heights[n], Math.ceil(counts[n] * 1.25));
  }
}

/** Stages that run one after the other, and the rows that are wanted of the last one's map. */
interface Pass {
  readonly stages: Span;
  readonly wanted: Span;
}

/** A way through the network: in one pass, or in several with a map between two that is kept. */
interface Route {
  readonly passes: readonly Pass[];
  /** The rows of the maps that are kept, by map. */
  readonly kept: ReadonlyMap<number, Span>;
  readonly slotOf: readonly number[];
}

function routeOf({ plan, shapes, span }: LayoutRequest, cut: number | undefined): Route {
  const barriers = barriersOf(plan);
  const between = cut === undefined ? barriers : [...barriers, cut].sort((a, b) => a - b);
  const kept = new Map<number, Span>();
  const passes: Pass[] = [];
  let end = plan.stages.length;
  let wanted = span;
  for (const map of [...between].reverse()) {
    const stages = { first: map, end };
    passes.unshift({ stages, wanted });
    wanted = barriers.includes(map)
      ? { first: 0, end: shapes[map][1] }
      : neededRows(partOf(plan, stages), shapes, wanted)[map];
    kept.set(map, wanted);
    end = map;
  }
  passes.unshift({ stages: { first: 0, end }, wanted });
  return { passes, kept, slotOf: assignSlots(plan, between) };
}

const partOf = ({ stages, rules }: Plan, { first, end }: Span) => ({
  stages: stages.slice(first, end),
  rules,
});

/** Lays out the parts of each pass, a band for each. */
function layoutOf(request: LayoutRequest, route: Route, parts: readonly Span[][]): Layout {
  const { plan, shapes, stored, limits } = request;
  const bands = route.passes.flatMap((pass, n) =>
    parts[n].map((part, k) => bandOf(request, route, pass, { part, isFirst: k === 0 })),
  );
  const slotBytes: number[] = [];
  for (const band of bands) {
    for (const [map, { first, end }] of band.stored.entries()) {
      const slot = route.slotOf[map];
      const bytes = mapBytes(shapes[map], end - first, stored[map]);
      slotBytes[slot] = Math.max(slotBytes[slot] ?? 0, bytes);
    }
  }
  const pointsBytes = Math.min(limits.pointsBytes, limits.mapBytes, limits.allBytes / 8);
  const { points, products } = maxPointsOf(plan, shapes, bands, pointsBytes);
  const { slotOf } = route;
  return { bands, slotOf, slotBytes: [...slotBytes, points, products], pointsBytes };
}

function bandOf(
  { plan, shapes }: LayoutRequest,
  { kept }: Route,
  { stages }: Pass,
  { part, isFirst }: { readonly part: Span; readonly isFirst: boolean },
): Band {
  const rows = neededRows(partOf(plan, stages), shapes, part);
  const stored = rows.map((own, map) => kept.get(map) ?? own);
  // An input that is kept is written by a pass without stages.
  const writes = stages.first === 0 && (stages.end === 0 || !kept.has(0));
  return {
    stages,
    rows,
    input: writes ? rows[0] : undefined,
    folds: isFirst && stages.end > stages.first && barriersOf(plan).includes(stages.first),
    stored,
    span: stages.end === plan.stages.length ? part : undefined,
  };
}

/** Returns true for a layout that the device can hold and dispatch. */
function fits({ slotBytes, bands }: Layout, { shapes, limits }: LayoutRequest): boolean {
  const { groups } = limits;
  return (
    slotBytes.every((bytes) => bytes <= limits.mapBytes) &&
    slotBytes.reduce((sum, bytes) => sum + bytes, 0) <= limits.allBytes &&
    // Workgroups are at least one row and 16 columns.
    shapes.every(([, , width]) => width <= 16 * groups) &&
    bands.every(({ rows }) => rows.every(({ first, end }) => end - first <= groups))
  );
}

/** Divides a span into so many parts, one after the other. */
function split({ first, end }: Span, count: number): Span[] {
  const at = (n: number) => first + Math.floor((n * (end - first)) / count);
  return Array.from({ length: count }, (_, n) => ({ first: at(n), end: at(n + 1) }));
}

/** The first, one in the middle, and the last. */
const samples = (parts: readonly Span[]): Span[] => [
  parts[0],
  parts[parts.length >> 1],
  parts[parts.length - 1],
];

/** Returns the bytes of the largest map in a pass's bands, apart from those that are kept. */
function largestMap(
  { shapes, stored }: LayoutRequest,
  { kept }: Route,
  { bands }: Layout,
  { stages }: Pass,
): number {
  const own = bands.filter((band) => band.stages.first === stages.first);
  const bytes = own.flatMap(({ rows }) =>
    rows.map(({ first, end }, map) =>
      kept.has(map) ? 0 : mapBytes(shapes[map], end - first, stored[map]),
    ),
  );
  return bytes.reduce((max, size) => Math.max(max, size), 0);
}

function workOf(plan: Plan, shapes: readonly Chw[], { bands }: Layout): number {
  let work = 0;
  for (const { stages, rows } of bands) {
    for (const stage of plan.stages.slice(stages.first, stages.end)) {
      const { first, end } = rows[stage.output];
      work += stageWork(stage, end - first, shapes[stage.output][2]);
    }
  }
  return work;
}

/** Returns the largest number of bytes of points, and of products, in any stage of any band. */
function maxPointsOf(
  plan: Plan,
  shapes: readonly Chw[],
  bands: readonly Band[],
  pointsBytes: number,
): PointBytes {
  // WebGPU rejects empty bindings: at least one quad.
  const max = { points: 16, products: 16 };
  for (const { stages, rows } of bands) {
    for (const stage of plan.stages.slice(stages.first, stages.end)) {
      if (stage.kind !== 'conv' || !stage.winograd) continue;
      const { points, products } = maxPointBytes(stage, shapes, rows, pointsBytes);
      max.points = Math.max(max.points, points);
      max.products = Math.max(max.products, products);
    }
  }
  return max;
}

/**
 * The maps at which a plan can be cut in two. Later stages read no earlier map. The number of rows
 * must change there, or the cut saves nothing.
 */
function cuts(plan: Plan): number[] {
  const { stages } = plan;
  const barriers = barriersOf(plan);
  const maps = stages.map((_, n) => n).filter((map) => map > 0 && !barriers.includes(map));
  return maps.filter((map) => {
    const maker = stages[map - 1];
    const later = stages.slice(map);
    const isRescaled =
      maker.kind === 'conv' &&
      (maker.conv.stride === 2 ||
        maker.shuffle > 1 ||
        later.some((stage) => stage.kind === 'conv' && stage.upsample && stage.input === map));
    const readsEarlier = (stage: Stage) =>
      stage.input < map || (stage.kind === 'conv' && stage.add !== undefined && stage.add < map);
    return isRescaled && !later.some(readsEarlier);
  });
}
