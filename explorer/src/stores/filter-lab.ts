import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { nextTask } from '../engine/next-task.ts';
import { filterOf, type Planes } from '../measure/convolution.ts';
import { covarianceOf, type FilterKind, type Kind, kindOf } from '../measure/filter-kinds.ts';
import { mapCovariance } from '../measure/map-covariance.ts';
import { answerTo, brightestSpot, contrastOf } from '../measure/spot.ts';
import type { Filters, FirstLayer } from './first-layer.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { Pictures } from './pictures.ts';

/** Filters of one kind, in the order of a strip. */
export interface KindGroup {
  readonly kind: Kind;
  readonly channels: readonly number[];
}

/** How well a filter answers to the spot. */
export interface Standing {
  /** 1 for the best. For an edited filter its place among the others. */
  readonly rank: number;
  readonly count: number;
  /**
   * How far its map is higher in the spot, in standard deviations; undefined for a map that is the
   * same everywhere.
   */
  readonly answer: number | undefined;
  readonly isEdited: boolean;
}

/** The place of the bias in the list of numbers that can be changed: after the 27 weights. */
export const BIAS = 27;
/** Weights that are set by hand stay in −LARGEST … LARGEST. */
const LARGEST = 2;

const inCentre = (red: number, green: number, blue: number): Float32Array => {
  const weight = new Float32Array(27);
  [red, green, blue].forEach((value, colour) => {
    weight[9 * colour + 4] = value;
  });
  return weight;
};
const inEach = (window: readonly number[]): Float32Array =>
  Float32Array.from([...window, ...window, ...window]);

/** Filters that show at once what they do. */
export const PRESETS: readonly { readonly name: string; readonly weight: Float32Array }[] = [
  { name: 'None', weight: inCentre(1 / 3, 1 / 3, 1 / 3) },
  { name: 'Blur', weight: new Float32Array(27).fill(1 / 27) },
  { name: 'Edges left–right', weight: inEach([-0.1, 0, 0.1, -0.1, 0, 0.1, -0.1, 0, 0.1]) },
  { name: 'Edges up–down', weight: inEach([0.1, 0.1, 0.1, 0, 0, 0, -0.1, -0.1, -0.1]) },
  { name: 'Only red', weight: inCentre(1, 0, 0) },
];

/** Filters whose kinds are found before the page's thread does something else. */
const AT_ONCE = 8;

/** Measures what filters of three input channels answer to on a picture, a piece at a time. */
async function measure(planes: Planes, filters: Filters) {
  const all = Array.from({ length: filters.cout }, (_, n) => filterOf(filters, n));
  const covariance = covarianceOf(planes);
  const kinds: FilterKind[] = [];
  for (const [n, filter] of all.entries()) {
    if (n % AT_ONCE === 0) await nextTask();
    kinds.push(kindOf(filter, covariance) as FilterKind);
  }
  await nextTask();
  const spot = brightestSpot(planes);
  const contrast = contrastOf(planes, spot);
  await nextTask();
  // That of all windows, the edge's included: of the maps as they are shown.
  const ofMaps = mapCovariance(planes);
  const answers = all.map((filter) => answerTo(filter, contrast, ofMaps) ?? -Infinity);
  return { covariance, kinds, spot, contrast, ofMaps, answers };
}

/**
 * Holds the kinds of the first layer's filters, and the filter that is changed by hand. Nothing is
 * measured while no scene shows it.
 */
export function createFilterLab(
  { report }: Messages,
  firstLayer: FirstLayer,
  { picture, isSample }: Pictures,
  isShown: ReadonlySignal<boolean>,
) {
  const { planes, filters, filter, channel, edited } = firstLayer;
  /** The weight, or the bias, that the slider changes. */
  const picked = signal(4);

  /** The last measurement: the scene may be left and come back to. */
  let kept: { now: Planes; all: Filters; is: ReturnType<typeof measure> } | undefined;
  /**
   * All that is measured of the picture and the filters. It takes 100 ms at 256×256, so the page's
   * thread does it in pieces.
   */
  const newest = latest(
    () => {
      const [now, all] = [planes.value, filters.value];
      return isShown.value && now !== undefined && all.cin === 3 ? { now, all } : undefined;
    },
    ({ now, all }) => {
      if (kept?.now !== now || kept.all !== all) kept = { now, all, is: measure(now, all) };
      return kept.is;
    },
    report,
  );
  /** Undefined while another picture or other filters are being measured. */
  const measured = computed(() => {
    const { of, is } = newest.value.value ?? {};
    return of?.now === planes.value && of?.all === filters.value ? is : undefined;
  });
  const kinds = computed(() => measured.value?.kinds ?? []);
  const groups = computed((): readonly KindGroup[] => {
    const found = kinds.value;
    const sorted = found.map((_, n) => n).sort((a, b) => found[a].order - found[b].order);
    const names = [...new Set(sorted.map((n) => found[n].kind))];
    return names.map((kind) => ({ kind, channels: sorted.filter((n) => found[n].kind === kind) }));
  });
  /** The kind of the filter at work, also if it was changed. */
  const kind = computed(() => measured.value && kindOf(filter.value, measured.value.covariance));
  const spot = computed(() => measured.value?.spot);
  const standing = computed((): Standing | undefined => {
    const found = measured.value;
    if (found === undefined) return undefined;
    const { answers, contrast, ofMaps } = found;
    const isEdited = edited.value !== undefined;
    const answer = isEdited ? answerTo(filter.value, contrast, ofMaps) : answers[channel.value];
    const own = answer ?? -Infinity;
    const rank = 1 + answers.filter((other) => other > own).length;
    return { rank, count: answers.length, answer, isEdited };
  });

  /** True when somebody chose the filter: on this page, or by an address. */
  let hasChosen = false;

  /** Begins the search with a filter that does not answer to the spot most. */
  function begin(): void {
    const all = measured.peek()?.answers ?? [];
    if (hasChosen || standing.peek()?.rank !== 1 || all.length < 3) return;
    const sorted = all.map((_, n) => n).sort((a, b) => all[b] - all[a]);
    channel.value = sorted[sorted.length >> 1];
  }

  /** Takes one of the trained filters. */
  function choose(next: number): void {
    hasChosen = true;
    edited.value = undefined;
    channel.value = next;
  }

  /** Sets one weight or the bias of a copy of the filter. */
  function set(place: number, value: number): void {
    const { weight, bias } = filter.peek();
    const next = Math.min(Math.max(Math.round(value * 100) / 100, -LARGEST), LARGEST);
    const copy = weight.slice();
    if (place < BIAS) copy[place] = next;
    edited.value = { weight: copy, bias: place === BIAS ? next : bias };
  }

  return {
    ...{ picked, measured, kinds, groups, kind, spot, standing, set, begin, choose },
    valueAt: (place: number): number =>
      place === BIAS ? filter.value.bias : filter.value.weight[place],
    /** The brightest spot has a name in the sample. */
    spotName: computed(() => {
      picture.value;
      return isSample() ? 'moon' : 'brightest spot';
    }),
    take(weight: Float32Array): void {
      edited.value = { weight: weight.slice(), bias: 0 };
    },
    reset(): void {
      edited.value = undefined;
    },
    end: newest.end,
  };
}
