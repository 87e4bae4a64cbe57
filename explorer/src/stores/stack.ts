import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Picture } from 'taesd-wasm';
import { layerOf } from '../engine/names.ts';
import type { StepView } from '../engine/protocol.ts';
import { psnr } from '../measure/psnr.ts';
import { inputOf, PICTURE } from '../measure/way-down.ts';
import type { At } from './at.ts';
import type { Focus } from './focus.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { NetworkStore, Trip } from './network.ts';

/** The picture that is left without a block. */
export interface Off {
  readonly picture: Picture;
  /** Its PSNR to the picture that went in, in dB. */
  readonly db: number;
}

/** One number on the way down to the picture. */
export interface Crumb {
  readonly layer: string;
  readonly channel: number;
  readonly at: At;
  readonly value: number;
}

/** The maps that tell what a step does: before it, what it adds, after it. */
export interface Change {
  readonly kind: 'block' | 'relu';
  readonly width: number;
  readonly height: number;
  readonly before: Float32Array;
  /** A block's change: the sum that its convolutions made. */
  readonly change: Float32Array | undefined;
  readonly after: Float32Array;
}

/** Nobody touches the page for so long before a block is measured. */
const REST_MS = 350;

export const isBlock = ({ layer }: StepView): boolean =>
  layer.kind === 'block' || layer.kind === 'memBlock';

/**
 * Shows the work of layers: blocks switched off, one after the other while nobody touches the page;
 * the maps before and after; the way from a number down to the picture.
 *
 * @param isShown  whether anything of it is on the page: nothing is measured otherwise
 */
export function createStack(
  { report, say }: Messages,
  { trip, coded, steps, isWalked }: NetworkStore,
  focus: Focus,
  isShown: ReadonlySignal<boolean>,
) {
  const { step, layer, channel, at, sum, opened, toggleBlock } = focus;
  const blocks = computed(() => steps.value.filter(isBlock));
  /** The block that is looked at, also from inside. */
  const block = computed(() => {
    const name = layerOf(step.value?.name ?? '');
    return blocks.value.find((each) => each.name === name);
  });

  /** Layers on frames read two maps at once: their sums have no single way down. */
  const canDescend = computed(() => {
    const outer = steps.value.find(({ name }) => name === layerOf(step.value?.name ?? ''));
    return outer !== undefined && !('from' in outer.layer);
  });

  // Switched off

  const off = signal<ReadonlyMap<string, Off>>(new Map());
  /** Whether the block looked at is switched off. */
  const isOff = signal(false);
  /** The PSNR with all blocks, in dB. */
  const whole = computed(() => {
    const [now, made] = [trip.value, coded.value];
    return now && made && psnr(now.picture, made.decoded);
  });
  const isMeasured = computed(
    () => isWalked.value && blocks.value.length > 0 && off.value.size === blocks.value.length,
  );

  let lastTouch = performance.now();
  const touch = () => {
    lastTouch = performance.now();
  };
  const TOUCHES = ['pointermove', 'pointerdown', 'keydown', 'wheel'] as const;
  for (const type of TOUCHES) addEventListener(type, touch, { passive: true });

  async function measure(now: Trip, isCurrent: () => boolean): Promise<void> {
    while (isCurrent()) {
      const next =
        block.peek() && !off.peek().has((block.peek() as StepView).name)
          ? block.peek()
          : blocks.peek().find(({ name }) => !off.peek().has(name));
      if (next === undefined) return;
      await untilRest(() => performance.now() - lastTouch);
      if (!isCurrent()) return;
      const left = await now.model.client.call('without', next.name);
      if (!isCurrent()) return;
      const { picture } = left;
      off.value = new Map([
        ...off.peek(),
        [next.name, { picture, db: psnr(now.picture, picture) }],
      ]);
    }
  }

  const endTrips = effect(() => {
    trip.value;
    off.value = new Map();
  });
  const endMeasuring = effect(() => {
    const now = trip.value;
    if (now === undefined || !isShown.value || !isWalked.value) return;
    let isCurrent = true;
    measure(now, () => isCurrent).catch(report);
    return () => {
      isCurrent = false;
    };
  });
  const endOff = effect(() => {
    block.value?.name;
    isOff.value = false;
  });

  // Before and after

  const change = latest(
    () => {
      const [now, engine, picked] = [step.value, trip.value?.model.client, channel.value];
      if (now === undefined || engine === undefined || !isShown.value || !isWalked.value) return;
      const { kind } = now.layer;
      if ((kind !== 'block' && kind !== 'relu') || picked >= now.shape[1]) return undefined;
      return { kind, name: now.name, channel: picked, shape: now.shape, engine };
    },
    async ({ kind, name, channel: picked, shape, engine }): Promise<Change> => {
      const [, , height, width] = shape;
      const area = { x: 0, y: 0, width, height };
      const numbers = async (of: string, side: 'input' | 'output') =>
        (await engine.call('numbers', { name: of, channel: picked, area, side })).data;
      const after = await numbers(name, 'output');
      if (kind === 'relu') {
        const before = await numbers(name, 'input');
        return { kind, width, height, before, change: undefined, after };
      }
      // The sum less the change is what the skip connection adds.
      const made = await numbers(`${name}.conv.4`, 'output');
      const before = (await numbers(`${name}.add`, 'output')).map((total, n) => total - made[n]);
      return { kind, width, height, before, change: made, after };
    },
    report,
  );

  // Down to the picture

  const trail = signal<readonly Crumb[]>([]);
  /** The pixel of the picture that the way has ended at. */
  const bottom = signal<{ channel: number; at: At; value: number } | undefined>(undefined);
  let isMoving = false;

  /** A look elsewhere leaves the way. */
  const endTrail = effect(() => {
    step.value?.name;
    channel.value;
    at.value;
    if (isMoving) return;
    trail.value = [];
    bottom.value = undefined;
  });

  function moveTo(to: Omit<Crumb, 'value'>): void {
    isMoving = true;
    // The pixel last: it stays at the same place of the picture when the layer changes.
    layer.value = to.layer;
    channel.value = to.channel;
    at.value = to.at;
    isMoving = false;
  }

  /** Opens the block that a layer is inside of. */
  async function openAround(target: string): Promise<void> {
    const outer = layerOf(target);
    if (target === outer || opened.peek()?.name === outer) return;
    const found = steps.peek().find(({ name }) => name === outer);
    if (found === undefined) return;
    isMoving = true;
    await toggleBlock(found);
    isMoving = false;
  }

  /** Goes down into an input channel of the sum: to the layer that made it, at the same place. */
  async function descend(into: number): Promise<void> {
    const [made, now] = [sum.value.peek()?.is, step.peek()];
    const window = made?.windows.find((each) => each.channel === into);
    if (!canDescend.peek() || made === undefined || now === undefined || window === undefined)
      return;
    const { products } = window;
    const middle = products[products.length >> 1];
    const place = { y: middle.y, x: middle.x };
    const { channel: own, y, x } = made.position;
    const crumb = { layer: now.name, channel: own, at: { y, x }, value: made.value };
    const target = inputOf(made.source, steps.peek(), middle.input);
    if (target === PICTURE) {
      bottom.value = { channel: into, at: place, value: middle.value };
      say('That is a number of the picture itself: nothing is below it.');
      return;
    }
    await openAround(target);
    const trailed = [...trail.peek(), crumb];
    moveTo({ layer: target, channel: into, at: place });
    trail.value = trailed;
    say(`${target}, channel ${into}, x ${place.x}, y ${place.y}: ${trailed.length} down.`);
  }

  return {
    ...{ blocks, block, off, isOff, whole, isMeasured, change, trail, bottom },
    ...{ canDescend, descend },
    /** Back up to a number of the way. */
    async climb(to: number): Promise<void> {
      const crumb = trail.peek()[to];
      const rest = trail.peek().slice(0, to);
      await openAround(crumb.layer);
      moveTo(crumb);
      trail.value = rest;
      bottom.value = undefined;
    },
    end(): void {
      for (const type of TOUCHES) removeEventListener(type, touch);
      for (const stop of [endTrips, endMeasuring, endOff, endTrail, change.end]) stop();
    },
  };
}

/** Waits until nobody has touched the page for a while and the browser has nothing else to do. */
async function untilRest(sinceTouch: () => number): Promise<void> {
  while (sinceTouch() < REST_MS || document.hidden) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  await new Promise<void>((resolve) => {
    // Safari has none.
    if (typeof requestIdleCallback === 'function')
      requestIdleCallback(() => resolve(), { timeout: 1000 });
    else setTimeout(resolve);
  });
}
