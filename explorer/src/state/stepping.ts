import { computed, effect, signal } from '@preact/signals';
import type { ChannelView, PixelView, StepView } from '../engine/protocol.ts';
import { attempt, report, say } from './messages.ts';
import { steps, trip, walked } from './trip.ts';

/*
 * Which step is looked at, which of its channels, which pixel.
 */

/** Time that a step is shown while playing. */
const PLAY_MS = 1100;

/** The name of the step; it stays when a new picture comes. */
export const chosenName = signal('encoder.0');
export const chosenChannel = signal(0);
export const pixel = signal<{ y: number; x: number } | undefined>(undefined);
export const isPlaying = signal(false);

/** The block that is opened, and what is inside. */
export const opened = signal<{ name: string; steps: readonly StepView[] } | undefined>(undefined);

/** All steps that can be gone through, those inside the opened block after it. */
export const sequence = computed(() =>
  steps.value.flatMap((step) =>
    step.name === opened.value?.name ? [step, ...opened.value.steps] : [step],
  ),
);

/** Undefined until that layer of a new picture has been computed. */
export const chosen = computed(() => {
  const step = sequence.value.find(({ name }) => name === chosenName.value);
  // Another model may not have it.
  return step ?? (walked.value ? sequence.value[0] : undefined);
});
export const chosenAt = computed(() =>
  sequence.value.findIndex(({ name }) => name === chosen.value?.name),
);

export const channelView = signal<ChannelView | undefined>(undefined);
export const pixelView = signal<PixelView | undefined>(undefined);

/** The layer that a step is, or is inside of. */
const layerOf = (name: string): string => name.split('.').slice(0, 2).join('.');

export function jump(name: string): void {
  chosenName.value = name;
}

/** Forwards or backwards by so many. */
export function move(by: number): void {
  const list = sequence.value;
  const at = Math.min(Math.max(chosenAt.value + by, 0), list.length - 1);
  if (list[at] !== undefined) jump(list[at].name);
}

export function togglePlay(): void {
  isPlaying.value = !isPlaying.value;
}

export function toggleBlock(step: StepView): Promise<void> {
  const name = step.block ?? step.name;
  return attempt(async () => {
    if (opened.value?.name === name) {
      if (chosen.value?.block === name) jump(name);
      opened.value = undefined;
      return;
    }
    const current = trip.value;
    const inside = await current?.model.client.call('open', name);
    if (inside === undefined || current !== trip.value) return;
    opened.value = { name, steps: inside };
    say(`${name} is open: ${inside.length} operations.`);
  });
}

export function choosePixel(y: number, x: number): void {
  pixel.value = { y, x };
}

effect(() => {
  if (!isPlaying.value) return;
  const timer = setInterval(() => {
    if (chosenAt.value < sequence.value.length - 1) move(1);
    else isPlaying.value = false;
  }, PLAY_MS);
  return () => clearInterval(timer);
});

/** What was open belongs to the picture before. */
effect(() => {
  trip.value;
  chosenName.value = layerOf(chosenName.peek());
  opened.value = undefined;
  pixelView.value = undefined;
});

/** Another step: a channel that it has; a pixel at the same place of the picture. */
let lastShape: readonly number[] | undefined;
effect(() => {
  const shape = chosen.value?.shape;
  if (shape === undefined) return;
  const [, channels, height, width] = shape;
  if (chosenChannel.peek() >= channels) chosenChannel.value = 0;
  const at = pixel.peek();
  if (at !== undefined && lastShape !== undefined) {
    const scaled = (place: number, was: number, is: number) =>
      Math.min(Math.floor(((place + 0.5) * is) / was), is - 1);
    const y = scaled(at.y, lastShape[2], height);
    const x = scaled(at.x, lastShape[3], width);
    if (y !== at.y || x !== at.x) pixel.value = { y, x };
  }
  lastShape = shape;
});

/** At first a place right of the middle: there is something to be seen at once. */
const FIRST = { y: 0.47, x: 0.66 };
effect(() => {
  const shape = chosen.value?.shape;
  if (shape === undefined || pixel.peek() !== undefined) return;
  pixel.value = { y: Math.floor(shape[2] * FIRST.y), x: Math.floor(shape[3] * FIRST.x) };
});

/** The chosen channel, whole. */
effect(() => {
  const [step, channel, current] = [chosen.value, chosenChannel.value, trip.value];
  if (step === undefined || current === undefined || channel >= step.shape[1]) return;
  current.model.client.call('channel', step.name, channel).then((view) => {
    if (chosen.value?.name === view.name && chosenChannel.value === view.channel) {
      channelView.value = view;
    }
  }, report);
});

/** The chosen pixel's arithmetic. It goes back through the encoder, so all layers must have run. */
effect(() => {
  const [step, channel, at] = [chosen.value, chosenChannel.value, pixel.value];
  if (step === undefined || at === undefined || !walked.value) return;
  const [, channels, height, width] = step.shape;
  if (channel >= channels || at.y >= height || at.x >= width) return;
  const position = { channel, ...at };
  trip.value?.model.client.call('pixel', step.name, position).then((view) => {
    const isStill = chosen.value?.name === view.name && pixel.value === at;
    if (isStill && chosenChannel.value === channel) pixelView.value = view;
  }, report);
});
