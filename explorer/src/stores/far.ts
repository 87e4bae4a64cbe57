import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { Planes } from '../measure/convolution.ts';
import { changeMap } from '../measure/differences.ts';
import { influenceOf } from '../measure/influence.ts';
import { brushed } from '../measure/paint.ts';
import { ringsAround } from '../measure/rings.ts';
import { joinTiles, maxOverlap, splitTiles } from '../measure/seam.ts';
import { type At, firstPlace } from './at.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { Model, Models } from './models.ts';
import type { NetworkStore, Trip } from './network.ts';

/** The change of the decoded picture that one number of the latent makes. */
export interface Poke {
  /** The model that has decoded. */
  readonly model: string;
  /** The largest difference of each pixel's colours, 0 to 255. */
  readonly change: Planes;
  /** The largest difference by ring of cells around the number's own. */
  readonly rings: readonly number[];
  readonly largest: number;
}

/** The picture of two halves that were decoded alone. */
export interface Seam {
  readonly overlap: number;
  readonly picture: Picture;
  /** Against the picture that was decoded whole. */
  readonly change: Planes;
  readonly largest: number;
}

/** The hand rests when it has not moved for so long. */
const REST_MS = 150;
/** While the pointer asks for something, the halves wait. */
const WAIT_MS = 60;
/** The most cells of overlap that are tried. */
const MAX_OVERLAP = 16;

/**
 * How far a number sees: one number of the latent is changed and the picture decoded again; and the
 * latent is decoded in two halves that overlap. Nothing is computed while no scene shows it.
 */
export function createFar(
  { report }: Messages,
  { quick }: Models,
  { trip, steps, isWalked }: NetworkStore,
  isShown: ReadonlySignal<boolean>,
) {
  /** A channel of the latent. */
  const channel = signal(0);
  const at = signal<At | undefined>(undefined);
  /** The amount that is added to the number. */
  const amount = signal(1);
  const overlap = signal(0);
  /** True if the stage has room for one of both alone. */
  const isNarrow = signal(false);
  /** The half that a narrow stage shows. */
  const half = signal<'poke' | 'seam'>('poke');

  /** Whole pictures by latents, model and what decodes. */
  const wholes = new WeakMap<Tensor, Map<string, Promise<Picture>>>();
  function wholeOf(engine: Model, { latents, picture }: Trip): Promise<Picture> {
    const known = wholes.get(latents) ?? new Map<string, Promise<Picture>>();
    wholes.set(latents, known);
    const key = `${engine.model} ${engine.place.peek().backend}`;
    const made = known.get(key) ?? decode(engine, latents, picture.width, picture.height);
    known.set(key, made);
    made.catch(() => known.delete(key));
    return made;
  }

  const wanted = computed(() => {
    const [now, place] = [trip.value, at.value];
    if (!isShown.value || now === undefined || place === undefined) return undefined;
    const [, channels, height, width] = now.latents.shape;
    if (channel.value >= channels || place.y >= height || place.x >= width) return undefined;
    return { trip: now, channel: channel.value, at: place, amount: amount.value };
  });
  type Wanted = NonNullable<typeof wanted.value> & { readonly engine: Model };

  async function poke({ trip: now, channel: c, at: { y, x }, amount: by, engine }: Wanted) {
    const { latents, picture } = now;
    const { width, height } = picture;
    const [, , rows, columns] = latents.shape;
    const value = latents.data[(c * rows + y) * columns + x] + by;
    const changed = brushed(latents, { channel: c, y, x, value, radius: 1 });
    const [before, after] = await Promise.all([
      wholeOf(engine, now),
      decode(engine, changed, width, height),
    ]);
    const rings = ringsAround(before, after, { x, y, size: VARIANTS[now.model.model].downscale });
    const change = changeMap(before, after);
    return { model: engine.model, change, rings, largest: Math.max(...rings) } satisfies Poke;
  }

  const fast = latest(
    () => wanted.value && quick.value && { ...wanted.value, engine: quick.value },
    poke,
    report,
  );
  /** The request that has not changed for a while. */
  const rested = signal<typeof wanted.value>(undefined);
  const endRests = effect(() => {
    const now = wanted.value;
    const timer = setTimeout(() => {
      rested.value = now;
    }, REST_MS);
    return () => clearTimeout(timer);
  });
  const slow = latest(
    () => {
      const now = rested.value;
      if (now === undefined || now !== wanted.value || !isWalked.value) return undefined;
      return now.trip.model === quick.value ? undefined : { ...now, engine: now.trip.model };
    },
    poke,
    report,
  );
  const poked = computed((): Poke | undefined => {
    const [best, first] = [slow.value.value, fast.value.value];
    const isNow = best !== undefined && best.of.at === wanted.value?.at;
    const isSame = isNow && best.of.channel === channel.value && best.of.amount === amount.value;
    return isSame && best.of.trip === trip.value ? best.is : first?.is;
  });

  const decoder = computed(() => steps.value.filter(({ part }) => part === 'decoder'));
  /**
   * The part of the picture that the number can change at all; undefined until the layers are
   * known.
   */
  const influence = computed(() => {
    const [now, place] = [trip.value, at.value];
    if (now === undefined || place === undefined || !isWalked.value) return undefined;
    return influenceOf({ ...place, width: 1, height: 1 }, decoder.value);
  });

  const overlapLimit = computed(() =>
    trip.value === undefined ? MAX_OVERLAP : Math.min(MAX_OVERLAP, maxOverlap(trip.value.latents)),
  );
  /** Those that were measured, by their overlap. */
  const seams = signal<ReadonlyMap<number, Seam>>(new Map());
  const seam = computed(() => seams.value.get(overlap.value));
  /** From this overlap on the halves equal the whole; undefined until all are measured. */
  const enough = computed(() => {
    const all = [...seams.value.values()].toSorted((a, b) => a.overlap - b.overlap);
    if (all.length <= overlapLimit.value) return undefined;
    return all.findLastIndex(({ largest }) => largest > 0) + 1;
  });

  let turn = 0;
  const endSeams = effect(() => {
    const now = trip.value;
    now?.model.place.value;
    const mine = ++turn;
    seams.value = new Map();
    if (now === undefined || !isWalked.value || !isShown.value) return;
    if (now.latents.shape[3] < 2) return;
    measure(now, () => mine === turn).catch(report);
  });

  /** The overlap that is chosen first, then all others. */
  async function measure(now: Trip, isStill: () => boolean): Promise<void> {
    const { latents, picture, model } = now;
    const { width, height } = picture;
    const whole = await wholeOf(model, now);
    const { downscale } = VARIANTS[model.model];
    const left = new Set(Array.from({ length: overlapLimit.peek() + 1 }, (_, n) => n));
    while (left.size > 0 && isStill()) {
      if (fast.isPending.peek() || slow.isPending.peek()) {
        await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
        continue;
      }
      const chosen = overlap.peek();
      const next = left.has(chosen) ? chosen : Math.min(...left);
      left.delete(next);
      const tiles = splitTiles(latents, { overlap: next, downscale, width, height });
      const one = await decode(model, tiles.left.latents, tiles.left.width, height);
      const other = await decode(model, tiles.right.latents, tiles.right.width, height);
      if (!isStill()) return;
      const joined = joinTiles(tiles, one, other);
      const change = changeMap(whole, joined);
      const largest = change.data.reduce((a, b) => Math.max(a, b), 0);
      const made = { overlap: next, picture: joined, change, largest };
      seams.value = new Map([...seams.peek(), [next, made]]);
    }
  }

  /** Another picture or model: a number that there is. */
  const endPlaces = effect(() => {
    const shape = trip.value?.latents.shape;
    if (shape === undefined) return;
    const [, channels, height, width] = shape;
    if (channel.peek() >= channels) channel.value = 0;
    if (overlap.peek() > overlapLimit.value) overlap.value = overlapLimit.value;
    const place = at.peek();
    const isInside = place !== undefined && place.y < height && place.x < width;
    if (!isInside) at.value = firstPlace({ height, width });
  });

  return {
    ...{ channel, at, amount, overlap, half, isNarrow, poked, influence },
    ...{ overlapLimit, seams, seam, enough },
    end(): void {
      turn++;
      for (const stop of [fast.end, slow.end, endRests, endSeams, endPlaces]) stop();
    },
  };
}

async function decode(
  { client }: Model,
  latents: Tensor,
  width: number,
  height: number,
): Promise<Picture> {
  return (await client.call('decode', latents, width, height)).picture;
}
