import { computed, effect } from '@preact/signals';
import { VARIANTS } from 'taesd-wasm';
import type { ChannelView, StepView } from '../engine/protocol.ts';
import type { Explorer } from '../explorer.ts';
import { levelsOf, type Stop, stopsOf, strongest } from '../measure/levels.ts';
import type { At } from './at.ts';
import { latest } from './latest.ts';

/** A map that is shown: a layer's strongest channel. */
export interface ShownMap extends ChannelView {
  /** The number that is brightest. */
  readonly scale: number;
}

/** One place of the latent, followed up the decoder. */
export function createWayUp({ messages, network, focus }: Explorer) {
  const { trip, steps, isWalked } = network;
  const decoder = computed(() =>
    isWalked.value ? steps.value.filter(({ part }) => part === 'decoder') : [],
  );
  const stops = computed(() => stopsOf(decoder.value));
  const levels = computed(() => levelsOf(decoder.value));
  const downscale = computed(() => VARIANTS[trip.value?.model.model ?? 'nano'].downscale);

  /** The stop that the address's layer is, or comes after. */
  const chosen = computed((): Stop | undefined => {
    const now = focus.step.value;
    if (now?.part !== 'decoder') return stops.value[1] ?? stops.value[0];
    return stops.value.findLast(({ step }) => step.index <= now.index) ?? stops.value[0];
  });

  /**
   * Without a layer of the decoder, the first that makes the maps larger. Another model may have
   * another one.
   */
  let own: string | undefined;
  const endLayers = effect(() => {
    const first = stops.value[1] ?? stops.value[0];
    const name = focus.layer.value;
    if (first === undefined || (name !== own && name?.startsWith('decoder.'))) return;
    own = first.step.name;
    choose(first);
  });

  function choose({ step }: Stop): void {
    focus.layer.value = step.name;
    focus.channel.value = strongest(step);
  }

  /** The place of the latent that is followed. */
  const cell = computed((): At => {
    const latents = trip.value?.latents.shape;
    const [place, shape] = [focus.at.value, focus.step.value?.shape];
    if (latents === undefined) return { y: 0, x: 0 };
    const [, , height, width] = latents;
    const along = (at: number | undefined, of: number | undefined, size: number) =>
      at === undefined || of === undefined
        ? size >> 1
        : Math.min(Math.floor(((at + 0.5) * size) / of), size - 1);
    return { y: along(place?.y, shape?.[2], height), x: along(place?.x, shape?.[3], width) };
  });

  /** Follows another place of the latent, given in places of a map so many times as large. */
  function follow(place: At, factor = 1): void {
    const [latents, shape] = [trip.peek()?.latents.shape, focus.step.peek()?.shape];
    if (latents === undefined || shape === undefined) return;
    const along = (at: number, size: number, of: number) =>
      Math.min(Math.floor(((Math.floor(at / factor) + 0.5) * of) / size), of - 1);
    const next = {
      y: along(place.y, latents[2], shape[2]),
      x: along(place.x, latents[3], shape[3]),
    };
    const last = focus.at.peek();
    if (last?.y !== next.y || last.x !== next.x) focus.at.value = next;
  }

  /**
   * The strongest channels of all layers that are shown, whole: the page frames and enlarges them
   * by itself.
   */
  const maps = latest(
    () => {
      const now = trip.value;
      if (now === undefined || stops.value.length === 0) return undefined;
      const shown = new Set<StepView>();
      for (const { step, before, after } of stops.value) {
        for (const each of [step, before, after]) if (each !== undefined) shown.add(each);
      }
      return { client: now.model.client, shown: [...shown] };
    },
    async ({ client, shown }) => {
      const views = await Promise.all(
        shown.map((step) => client.call('channel', step.name, strongest(step))),
      );
      return new Map<string, ShownMap>(
        views.map((view) => {
          const { min, max } = view.summary;
          return [view.name, { ...view, scale: Math.max(-min, max) }];
        }),
      );
    },
    messages.report,
  );

  /** The latent's channel whose numbers differ most, as a map. */
  const latentMap = computed((): ShownMap | undefined => {
    const latents = trip.value?.latents;
    if (latents === undefined) return undefined;
    const [, channels, height, width] = latents.shape;
    const area = height * width;
    let best = { channel: 0, min: 0, max: -1 };
    for (let channel = 0; channel < channels; channel++) {
      let [min, max] = [Infinity, -Infinity];
      for (let at = channel * area; at < (channel + 1) * area; at++) {
        min = Math.min(min, latents.data[at]);
        max = Math.max(max, latents.data[at]);
      }
      if (max - min > best.max - best.min) best = { channel, min, max };
    }
    const { channel, min, max } = best;
    const data = latents.data.subarray(channel * area, (channel + 1) * area);
    const summary = { min, max, mean: 0, zeros: 0, histogram: new Uint32Array(0) };
    const scale = Math.max(-min, max);
    return { name: 'latent', channel, width, height, data, summary, scale };
  });

  return {
    ...{ stops, levels, downscale, chosen, cell, latentMap, follow },
    maps: computed(() => maps.value.value?.is),
    choose,
    end(): void {
      endLayers();
      maps.end();
    },
  };
}

export type WayUp = ReturnType<typeof createWayUp>;
