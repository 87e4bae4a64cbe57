import { firstFilters } from 'virtual:first-filters';
import { computed, effect, signal } from '@preact/signals';
import { rangeOf, thumbnails } from '../engine/summarise.ts';
import { filterOf, mapOf, planesOf, sumAt } from '../measure/convolution.ts';
import { type At, firstPlace } from './at.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { NetworkStore } from './network.ts';
import type { Pictures } from './pictures.ts';

/** A 3×3 convolution of a picture, and where it is from. */
export interface Filters {
  readonly cin: number;
  readonly cout: number;
  /** [cout, cin, 3, 3] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  /** The model whose first layer it is; undefined for the filters that are part of the page. */
  readonly model: string | undefined;
}

const PARTS_OF_PAGE: Filters = { ...firstFilters, model: undefined };

/**
 * The first convolution, computed by the page itself in plain loops, with no model and no worker.
 * Its filters are part of the page; where a model begins with a convolution of the same kind, that
 * one takes over.
 */
export function createFirstLayer(
  { report }: Messages,
  { picture }: Pictures,
  { trip }: NetworkStore,
) {
  const channel = signal(0);
  const at = signal<At | undefined>(undefined);
  /** Weights changed by hand: a filter in place of the chosen one. */
  const edited = signal<{ weight: Float32Array; bias: number } | undefined>(undefined);

  const own = latest(
    () => trip.value?.model,
    async ({ client, model }) => ({ model, filters: await client.call('filters', 'encoder.0') }),
    report,
  );
  const filters = computed((): Filters => {
    const found = own.value.value?.is;
    const conv = found?.filters;
    const isAlike = conv?.cin === 3 && conv.kernel === 3 && conv.stride === 1;
    if (found === undefined || !isAlike || conv === undefined) return PARTS_OF_PAGE;
    const { cin, cout, weight, bias = new Float32Array(cout) } = conv;
    return { cin, cout, weight, bias, model: found.model };
  });

  /** Red, green and blue, [3, H, W], 0 … 1. */
  const planes = computed(() => {
    const now = trip.value?.picture ?? picture.value;
    return now === undefined ? undefined : planesOf(now);
  });
  const filter = computed(() => edited.value ?? filterOf(filters.value, channel.value));
  /** The chosen filter's map, before the ReLU. */
  const map = computed(() => planes.value && mapOf(planes.value, filter.value));
  const sumOf = (place: At) => {
    if (planes.value === undefined) return undefined;
    const { weight, bias } = filter.value;
    const alone = { cin: filters.value.cin, cout: 1, weight, bias: Float32Array.of(bias) };
    return sumAt(planes.value, alone, { channel: 0, ...place });
  };
  const sum = computed(() => at.value && sumOf(at.value));
  /** The maps of all filters, small. */
  const strip = computed(() => {
    if (planes.value === undefined) return undefined;
    const { channels, data: all, ...size } = planes.value;
    const shape = [1, channels, size.height, size.width] as const;
    const small = { channels, ...thumbnails({ shape, data: all }) };
    const { cout } = filters.value;
    const maps = Array.from(
      { length: cout },
      (_, n) => mapOf(small, filterOf(filters.value, n)).data,
    );
    const { width, height } = small;
    const data = new Float32Array(cout * width * height);
    for (let n = 0; n < cout; n++) data.set(maps[n], n * width * height);
    return { thumbnails: { width, height, data }, ranges: maps.map(rangeOf) };
  });

  const endFirst = effect(() => {
    const size = planes.value;
    if (size === undefined) return;
    const place = at.peek();
    const { height, width } = size;
    const from = place ?? firstPlace(size);
    const next = { y: Math.min(from.y, height - 1), x: Math.min(from.x, width - 1) };
    if (next.y !== place?.y || next.x !== place.x) at.value = next;
  });
  const endFilters = effect(() => {
    if (channel.peek() >= filters.value.cout) channel.value = 0;
  });

  return {
    ...{ channel, at, edited, filters, filter, planes, map, sum, sumOf, strip },
    end(): void {
      for (const stop of [own.end, endFirst, endFilters]) stop();
    },
  };
}

export type FirstLayer = ReturnType<typeof createFirstLayer>;
