import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { createDream } from './dream.ts';
import type { Focus } from './focus.ts';
import type { Messages } from './messages.ts';
import type { Models } from './models.ts';
import type { NetworkStore } from './network.ts';

export const TABS = ['layers', 'compare', 'costs', 'noise'] as const;
export type Tab = (typeof TABS)[number];

/** Time that a layer is shown while playing. */
const PLAY_MS = 1100;
/** Layers are run again unasked if all of them take no longer. */
const CHEAP_MS = 1500;
/** So often a layer is timed; the median counts. */
const RUNS = 3;

/** The free explorer: which of its views is shown, and what they alone need. */
export function createFree(
  messages: Messages,
  models: Models,
  { trip, steps, isWalked }: NetworkStore,
  focus: Focus,
  isShown: ReadonlySignal<boolean>,
) {
  const tab = signal<Tab>('layers');
  const isPlaying = signal(false);
  const dream = createDream(messages, models);

  const place = computed(() =>
    focus.sequence.value.findIndex(({ name }) => name === focus.step.value?.name),
  );
  const endPlay = effect(() => {
    if (!isPlaying.value || !isShown.value) return;
    const timer = setInterval(() => {
      if (place.peek() < focus.sequence.peek().length - 1) focus.move(1);
      else isPlaying.value = false;
    }, PLAY_MS);
    return () => clearInterval(timer);
  });

  /** The times of later runs, by layer. */
  const more = signal<readonly ReadonlyMap<string, number>[]>([]);
  const isTiming = signal(false);
  let turn = 0;
  /** In milliseconds, by layer: the median of all runs. */
  const times = computed(
    () =>
      new Map(
        steps.value.map(({ name, elapsedMs }) => {
          const all = [elapsedMs, ...more.value.flatMap((run) => run.get(name) ?? [])];
          return [name, median(all)] as const;
        }),
      ),
  );
  const endTimes = effect(() => {
    trip.value;
    turn++;
    more.value = [];
    isTiming.value = false;
  });
  const endCheap = effect(() => {
    if (!isShown.value || tab.value !== 'costs' || !isWalked.value || more.peek().length > 0)
      return;
    const total = steps.peek().reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
    if (total <= CHEAP_MS) void time();
  });

  /** Runs all layers again. */
  function time(): Promise<void> {
    return messages.attempt(async () => {
      const now = trip.peek();
      if (now === undefined || isTiming.peek()) return;
      const mine = ++turn;
      isTiming.value = true;
      const { client } = now.model;
      try {
        for (let run = 1; run < RUNS && mine === turn; run++) {
          const walk = -run;
          const found = new Map<string, number>();
          const stop = client.listen((event) => {
            if (event.type === 'step' && event.walk === walk) {
              found.set(event.step.name, event.step.elapsedMs);
            }
          });
          await client.call('walk', walk, now.picture, now.latents).finally(stop);
          if (mine === turn) more.value = [...more.value, found];
        }
      } finally {
        if (mine === turn) isTiming.value = false;
      }
    });
  }

  return {
    ...{ tab, isPlaying, place, dream, times, isTiming, time },
    /** How many runs the times are the median of. */
    runs: computed(() => 1 + more.value.length),
    end(): void {
      turn++;
      for (const stop of [endPlay, endTimes, endCheap, dream.close]) stop();
    },
  };
}

export type Free = ReturnType<typeof createFree>;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
