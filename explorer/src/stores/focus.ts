import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Address } from '../address/address.ts';
import { layerOf } from '../engine/names.ts';
import type { StepView } from '../engine/protocol.ts';
import { type At, firstPlace } from './at.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { NetworkStore } from './network.ts';

/** Whether there is something inside. */
const canOpen = ({ layer }: StepView): boolean => layer.kind === 'block' || 'from' in layer;

/**
 * Returns the map that a number of a step is summed from. A block's is the one that its last
 * convolution reads.
 */
export function sourceOf({ name, layer, inputShape, shape }: StepView) {
  return layer.kind === 'block' ? { name: `${name}.conv.4`, shape } : { name, shape: inputShape };
}

/**
 * Holds what is looked at: a layer, a channel of it, a pixel of that. The maps and the sum follow,
 * the newest alone.
 *
 * @param isShown  true while a scene shows sums: then a block is computed before a pixel of it is
 *   asked for
 */
export function createFocus(
  messages: Messages,
  { trip, steps, isWalked }: NetworkStore,
  isShown: ReadonlySignal<boolean>,
) {
  const { report, attempt, say } = messages;
  /** The name of the layer. It stays when a new picture comes. */
  const layer = signal<string | undefined>(undefined);
  const channel = signal(0);
  /** In pixels of the layer's output. */
  const at = signal<At | undefined>(undefined);
  /** The block that is opened, and what is inside. */
  const opened = signal<{ name: string; steps: readonly StepView[] } | undefined>(undefined);

  /** All steps that can be gone through, those inside the opened block after it. */
  const sequence = computed(() =>
    steps.value.flatMap((step) =>
      step.name === opened.value?.name ? [step, ...opened.value.steps] : [step],
    ),
  );
  /** The layer looked at is inside this block, which is not open yet. */
  const closed = computed(() => {
    const outer = layerOf(layer.value ?? '');
    if (outer === layer.value || outer === opened.value?.name) return undefined;
    return steps.value.find((each) => each.name === outer && canOpen(each));
  });
  /** Undefined until that layer of a new picture has been computed. */
  const step = computed(() => {
    const found = sequence.value.find(({ name }) => name === layer.value);
    if (found !== undefined || closed.value !== undefined) return found;
    // No layer is named yet, or another model does not have it. The first block shows most of what
    // a layer can do.
    const first = sequence.value.find((each) => each.layer.kind === 'block');
    if (layer.value === undefined && first !== undefined) return first;
    return isWalked.value ? (first ?? sequence.value[0]) : undefined;
  });

  const client = computed(() => trip.value?.model.client);

  /** The chosen channel, whole. */
  const map = latest(
    () => {
      const [now, engine, picked] = [step.value, client.value, channel.value];
      if (now === undefined || engine === undefined || picked >= now.shape[1]) return undefined;
      return { name: now.name, channel: picked, engine };
    },
    ({ name, channel: picked, engine }) => engine.call('channel', name, picked),
    report,
  );

  /**
   * The chosen pixel’s sum. Its receptive field goes back through the encoder, so all layers must
   * have run.
   */
  const sum = latest(
    () => {
      const [now, engine, picked, place] = [step.value, client.value, channel.value, at.value];
      if (now === undefined || engine === undefined || place === undefined) return undefined;
      const [, channels, height, width] = now.shape;
      if (!isWalked.value || picked >= channels) return undefined;
      if (place.y >= height || place.x >= width) return undefined;
      return { name: now.name, position: { channel: picked, ...place }, engine };
    },
    ({ name, position, engine }) => engine.call('pixel', name, position),
    report,
  );

  /** The input channel that is shown beside the sum. */
  const inputChannel = signal(0);
  const inputMap = latest(
    () => {
      const [now, engine, picked] = [step.value, client.value, inputChannel.value];
      if (now === undefined || engine === undefined) return undefined;
      const { name, shape } = sourceOf(now);
      const [, channels, height, width] = shape;
      const area = { x: 0, y: 0, width, height };
      const which = Math.min(picked, channels - 1);
      return { asked: { name, channel: which, area, side: 'input' as const }, engine };
    },
    ({ asked, engine }) => engine.call('numbers', asked),
    report,
  );
  /**
   * Another layer or filter shows the input that counts most at the pixel. It stays while the pixel
   * moves.
   */
  let shown = '';
  const endInputs = effect(() => {
    const made = sum.value.value?.is;
    if (made === undefined) return;
    const which = `${made.name} ${made.position.channel}`;
    const isPart = made.windows.some(({ channel: each }) => each === inputChannel.peek());
    if (which === shown && isPart) return;
    shown = which;
    const largest = made.windows.reduce((a, b) => (Math.abs(b.sum) > Math.abs(a.sum) ? b : a));
    inputChannel.value = largest.channel;
  });

  /** The inside of a block, before a pixel of it is asked for. */
  const endPrepare = effect(() => {
    const [now, engine] = [step.value, client.value];
    if (now !== undefined && isWalked.value && isShown.value)
      engine?.call('prepare', now.name).catch(report);
  });

  /** An open block belongs to the picture before. */
  const endTrips = effect(() => {
    trip.value;
    opened.value = undefined;
    shown = '';
  });

  /** An address may name a layer inside a block, and so may the picture before. */
  const endClosed = effect(() => {
    const block = closed.value;
    if (block === undefined || !isWalked.value) return;
    void open(block.name, () => closed.peek() === block).then(() => {
      const isThere = sequence.peek().some(({ name }) => name === layer.peek());
      if (!isThere && layerOf(layer.peek() ?? '') === block.name) layer.value = block.name;
    });
  });

  /** Another layer: a channel that it has; a pixel at the same place of the picture. */
  let lastShape: readonly number[] | undefined;
  const endShapes = effect(() => {
    const shape = step.value?.shape;
    if (shape === undefined) return;
    const [, channels, height, width] = shape;
    if (channel.peek() >= channels) channel.value = 0;
    const place = at.peek();
    if (place === undefined) {
      at.value = firstPlace({ height, width });
    } else if (lastShape !== undefined) {
      const scaled = (was: number, from: number, to: number) =>
        Math.min(Math.floor(((was + 0.5) * to) / from), to - 1);
      const y = scaled(place.y, lastShape[2], height);
      const x = scaled(place.x, lastShape[3], width);
      if (y !== place.y || x !== place.x) at.value = { y, x };
    } else if (place.y >= height || place.x >= width) {
      at.value = { y: Math.min(place.y, height - 1), x: Math.min(place.x, width - 1) };
    }
    lastShape = shape;
  });

  /** To a place that an address names, which is no place of the layer before. */
  function aim(place: Pick<Address, 'layer' | 'channel' | 'at'>): void {
    batch(() => {
      lastShape = undefined;
      if (place.layer !== undefined) layer.value = place.layer;
      if (place.channel !== undefined) channel.value = place.channel;
      if (place.at !== undefined) at.value = place.at;
    });
  }

  /** Forwards or backwards by so many layers. */
  function move(by: number): void {
    const list = sequence.value;
    const now = list.findIndex(({ name }) => name === step.value?.name);
    const next = list[Math.min(Math.max(now + by, 0), list.length - 1)];
    if (next !== undefined) layer.value = next.name;
  }

  async function toggleBlock(block: StepView): Promise<void> {
    const name = block.block ?? block.name;
    if (opened.peek()?.name === name) {
      if (step.peek()?.block === name) layer.value = name;
      opened.value = undefined;
      return;
    }
    await open(name);
    const now = opened.peek();
    if (now?.name === name) say(`${name} is open: ${now.steps.length} operations.`);
  }

  /** @param isWanted  asked when the block's layers have come */
  function open(name: string, isWanted = () => true): Promise<void> {
    return attempt(async () => {
      const current = trip.peek();
      const inside = await current?.model.client.call('open', name);
      if (inside === undefined || current !== trip.peek() || !isWanted()) return;
      opened.value = { name, steps: inside };
    });
  }

  return {
    ...{ layer, channel, at, opened, sequence, step, map, sum, inputChannel, inputMap },
    ...{ aim, move, toggleBlock },
    end(): void {
      for (const stop of [
        map.end,
        sum.end,
        inputMap.end,
        endInputs,
        endPrepare,
        endTrips,
        endClosed,
        endShapes,
      ])
        stop();
    },
  };
}

export type Focus = ReturnType<typeof createFocus>;
