import { computed, effect, signal } from '@preact/signals';
import { dequantizeLatents, type Picture, quantizeLatents, type Tensor } from 'taesd-wasm';
import type { FrameView } from '../engine/protocol.ts';
import { report } from './messages.ts';
import { coded, trip } from './trip.ts';

/*
 * The latent, to be changed by hand; the decoded picture follows.
 */

/** What was painted, and what is added to each channel. */
export const painted = signal<Tensor | undefined>(undefined);
export const shifts = signal<readonly number[]>([]);
export const isQuantised = signal(false);
export const brush = signal({ value: 2, radius: 2 });

/** The latents as they are decoded, before quantisation. */
export const edited = computed((): Tensor | undefined => {
  const base = painted.value;
  if (base === undefined || shifts.value.length !== base.shape[1]) return base;
  const [, channels, height, width] = base.shape;
  const data = base.data.slice();
  for (let channel = 0; channel < channels; channel++) {
    const shift = shifts.value[channel];
    if (shift === 0) continue;
    for (let at = channel * height * width; at < (channel + 1) * height * width; at++) {
      data[at] += shift;
    }
  }
  return { shape: base.shape, data };
});

export const quantised = computed((): Tensor | undefined => {
  const latents = edited.value;
  if (latents === undefined) return undefined;
  return { shape: latents.shape, data: dequantizeLatents(quantizeLatents(latents.data)) };
});

/** The pictures of the latents as they are, and of their bytes. */
export const editedFrame = signal<FrameView | undefined>(undefined);
export const quantisedFrame = signal<FrameView | undefined>(undefined);

/** The one that is shown. */
export const shownPicture = computed((): Picture | undefined =>
  isQuantised.value ? quantisedFrame.value?.picture : editedFrame.value?.picture,
);

export function reset(): void {
  const latents = trip.value?.latents;
  if (latents === undefined) return;
  painted.value = { shape: latents.shape, data: latents.data.slice() };
  shifts.value = Array(latents.shape[1]).fill(0);
}

/** Paints a spot with the brush. */
export function paint(channel: number, y: number, x: number): void {
  const latents = painted.value;
  if (latents === undefined) return;
  const [, , height, width] = latents.shape;
  const { value, radius } = brush.value;
  const data = latents.data.slice();
  const reach = radius - 0.5;
  for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
    for (
      let column = Math.max(0, x - radius);
      column <= Math.min(width - 1, x + radius);
      column++
    ) {
      if (Math.hypot(row - y, column - x) > reach) continue;
      data[(channel * height + row) * width + column] = value;
    }
  }
  painted.value = { shape: latents.shape, data };
}

export function setShift(channel: number, value: number): void {
  shifts.value = shifts.value.with(channel, value);
}

/** A new picture. */
effect(() => {
  if (trip.value === undefined) return;
  reset();
  editedFrame.value = undefined;
  quantisedFrame.value = undefined;
});

effect(() => {
  const client = trip.value?.model.client;
  return client?.listen((event) => {
    if (event.type !== 'frame') return;
    if (event.frame.channel === 'edited') editedFrame.value = event.frame;
    if (event.frame.channel === 'quantised') quantisedFrame.value = event.frame;
  });
});

/** Every change is pushed, and the same to another place; of those that come while another is decoded the worker drops all but the last. */
let step = 0;
effect(() => {
  const [current, latents] = [trip.value, edited.value];
  if (current === undefined || latents === undefined || coded.value === undefined) return;
  const { width, height } = current.picture;
  const { client } = current.model;
  const push = (channel: 'edited' | 'quantised', tensor: Tensor) =>
    client.call('preview', channel, tensor, step, width, height).catch(report);
  step++;
  void push('edited', latents);
  if (isQuantised.value && quantised.value !== undefined) void push('quantised', quantised.value);
});
