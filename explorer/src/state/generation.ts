import { effect, signal } from '@preact/signals';
import type { Tensor } from 'taesd-wasm';
import type { FrameView } from '../engine/protocol.ts';
import { say } from './messages.ts';
import { type Model, model, nanoBeside } from './models.ts';
import { noiseLike, noisy, sigmaAt } from './noise.ts';
import { trip } from './trip.ts';

/*
 * What a sampler's previews look like: a path from seeded noise to the encoded picture, each of its steps pushed to a
 * previewer, which shows the latest. There is no diffusion model here.
 */

export interface Screen {
  readonly model: string;
  readonly frame: FrameView | undefined;
  readonly shown: number;
  readonly dropped: number;
  /** Over the last second. */
  readonly framesPerSecond: number;
}

export const seed = signal(1);
export const stepCount = signal(60);
export const stepMs = signal(40);
/** The step that the sampler is at. */
export const at = signal(0);
export const isRunning = signal(false);
/** What the sampler is at. */
export const samplerLatents = signal<Tensor | undefined>(undefined);
export const screens = signal<readonly Screen[]>([]);

const WINDOW_MS = 1000;
let times: number[][] = [];
let engines: readonly Model[] = [];
let noise: Tensor | undefined;

/** The models that show it: the one at work, and nano beside it. */
effect(() => {
  const large = model.value;
  engines = [large, nanoBeside.value].filter((engine) => engine !== undefined);
  times = engines.map(() => []);
  screens.value = engines.map((engine) => blank(engine.model));
  const stops = engines.map((engine, n) =>
    engine.client.listen((event) => {
      if (event.type === 'frame' && event.frame.channel === 'generation') show(n, event.frame);
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
});

/** Another picture or seed: another path, which begins at its first step. */
effect(() => {
  const latents = trip.value?.latents;
  isRunning.value = false;
  noise = latents === undefined ? undefined : noiseLike(latents, seed.value);
  at.value = 0;
  samplerLatents.value = noise;
});

effect(() => {
  if (!isRunning.value) return;
  const timer = setInterval(next, stepMs.value);
  return () => clearInterval(timer);
});

export function run(): void {
  if (at.value >= stepCount.value) at.value = 0;
  if (at.value === 0) {
    times = engines.map(() => []);
    screens.value = engines.map((engine) => blank(engine.model));
  }
  isRunning.value = true;
  push();
}

export function pause(): void {
  isRunning.value = false;
}

/** To any step, by hand. */
export function seek(step: number): void {
  at.value = step;
  push();
}

function next(): void {
  if (at.value >= stepCount.value) {
    isRunning.value = false;
    say(`The path has ended after ${stepCount.value} steps.`);
    return;
  }
  at.value++;
  push();
}

/** The sampler does not wait: it hands its latents over and goes on. */
function push(): void {
  const current = trip.value;
  if (current === undefined || noise === undefined) return;
  const { width, height } = current.picture;
  const latents = noisy(current.latents, noise, sigmaAt(at.value, stepCount.value));
  samplerLatents.value = latents;
  for (const { client } of engines) {
    client.call('preview', 'generation', latents, at.value, width, height).catch(() => {});
  }
}

function show(n: number, frame: FrameView): void {
  const now = performance.now();
  times[n] = [...times[n].filter((time) => now - time < WINDOW_MS), now];
  const [first] = times[n];
  const span = now - first;
  const before = screens.value[n];
  const framesPerSecond = span > 0 ? ((times[n].length - 1) * 1000) / span : 0;
  const shown = before.shown + 1;
  const dropped = before.dropped + frame.dropped;
  screens.value = screens.value.with(n, { ...before, frame, shown, dropped, framesPerSecond });
}

const blank = (name: string): Screen => ({
  model: name,
  frame: undefined,
  shown: 0,
  dropped: 0,
  framesPerSecond: 0,
});
