import { effect, signal } from '@preact/signals';
import { type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { Client } from '../engine/client.ts';
import type { DreamMethods, DreamView, FrameView } from '../engine/protocol.ts';
import { startDream } from '../engine/workers.ts';
import type { Messages } from './messages.ts';
import type { Model, Models } from './models.ts';

/** The view of the path while it is made. */
export interface Screen {
  readonly frame: FrameView | undefined;
  readonly shown: number;
  readonly dropped: number;
  /** Over the last second. */
  readonly framesPerSecond: number;
}

/** The end of a path. */
export interface Landscape {
  readonly picture: Picture;
  readonly latents: Tensor;
  /** The model that has decoded it. */
  readonly model: string;
  readonly seed: number;
  readonly elapsedMs: number;
}

/** The side of its pictures. */
const SIDE = 256;
const WINDOW_MS = 1000;
const BLANK: Screen = { frame: undefined, shown: 0, dropped: 0, framesPerSecond: 0 };

/**
 * From noise to a landscape, by `dream`, the project's own diffusion model, in a worker of its own.
 * Its prediction of each step is pushed to nano; nano shows the latest and drops those that come
 * too soon.
 */
export function createDream({ attempt, say }: Messages, { model, nano }: Models) {
  /** By label; one that is left out is left open. */
  const wanted = signal<Readonly<Record<string, string>>>({});
  const seed = signal(1);
  const stepCount = signal(20);
  const guidance = signal(2);
  const isRunning = signal(false);
  /** The share of the weights that has come; null if it is not known how many there are. */
  const fetched = signal<number | null | undefined>(undefined);
  /** The steps that were made. */
  const path = signal<readonly DreamView[]>([]);
  /** The step that is shown. */
  const at = signal(0);
  const screen = signal(BLANK);
  const end = signal<Landscape | undefined>(undefined);
  let times: number[] = [];
  let turn = 0;
  let client: Client<DreamMethods> | undefined;

  const endFrames = effect(() =>
    nano.value?.client.listen((event) => {
      if (event.type === 'frame' && event.frame.channel === 'generation') show(event.frame);
    }),
  );

  function show(frame: FrameView): void {
    const now = performance.now();
    times = [...times.filter((time) => now - time < WINDOW_MS), now];
    const span = now - times[0];
    const { shown, dropped } = screen.peek();
    screen.value = {
      frame,
      shown: shown + 1,
      dropped: dropped + frame.dropped,
      framesPerSecond: span > 0 ? ((times.length - 1) * 1000) / span : 0,
    };
  }

  function push({ predicted, step }: DreamView): void {
    nano
      .peek()
      ?.client.call('preview', 'generation', predicted, step, SIDE, SIDE)
      .catch(() => {});
  }

  /** The worker, when it is asked for first. */
  function worker(): Client<DreamMethods> {
    if (client !== undefined) return client;
    const made = startDream();
    made.listen((event) => {
      if (event.type === 'download') {
        fetched.value = event.total === undefined ? null : event.done / event.total;
      }
      if (event.type !== 'dream' || !isRunning.peek()) return;
      fetched.value = undefined;
      const { type, ...view } = event;
      path.value = [...path.peek(), view];
      at.value = view.step;
      push(view);
    });
    client = made;
    return made;
  }

  /** The model at work where it knows these latents, else nano. */
  function finisher(): Model | undefined {
    const now = model.peek();
    const isAlike = now && VARIANTS[now.model].space === VARIANTS.nano.space;
    return isAlike ? now : nano.peek();
  }

  function run(): Promise<void> {
    return attempt(async () => {
      const mine = ++turn;
      const asked = { seed: seed.peek(), steps: stepCount.peek(), guidance: guidance.peek() };
      path.value = [];
      end.value = undefined;
      screen.value = BLANK;
      times = [];
      isRunning.value = true;
      fetched.value = null;
      say('A landscape is being made from noise …');
      try {
        const made = await worker().call('generate', { ...wanted.peek(), ...asked });
        const engine = finisher();
        if (mine !== turn || engine === undefined) return;
        const { picture } = await engine.client.call('decode', made.latents, SIDE, SIDE);
        if (mine !== turn) return;
        end.value = { ...made, picture, model: engine.model, seed: asked.seed };
        say(`The path has ended after ${asked.steps} steps.`);
      } finally {
        if (mine === turn) {
          isRunning.value = false;
          fetched.value = undefined;
        }
      }
    });
  }

  return {
    ...{ wanted, seed, stepCount, guidance, isRunning, fetched, path, at, screen, end, run },
    stop(): void {
      turn++;
      isRunning.value = false;
      fetched.value = undefined;
      client?.call('stop').catch(() => {});
      say('Stopped.');
    },
    /** Shows a step again. */
    seek(step: number): void {
      const view = path.peek().find((each) => each.step === step);
      if (view === undefined) return;
      at.value = step;
      push(view);
    },
    close(): void {
      turn++;
      endFrames();
      client?.end();
    },
  };
}
