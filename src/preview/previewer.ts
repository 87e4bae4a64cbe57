import { checkNames, checkSize, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { fromVaeLatents } from '../latent.ts';
import type { Picture, SizeOptions } from '../options/types.ts';
import { nextTask } from '../platform/runtime.ts';
import type { Taesd } from '../taesd.ts';
import type { Tensor } from '../tensor.ts';
import { copyLatents, type LatentsLike } from './latents-like.ts';

/*
 * Pictures of a diffusion loop while it goes on.
 */

/** What `createPreviewer` takes beside the instance. */
export interface PreviewOptions extends SizeOptions {
  /** Gets each picture. Where it gives a promise, the next picture is not begun before that is settled. */
  readonly onFrame: (picture: Picture, frame: Frame) => void | Promise<void>;
  /** Gets what went wrong: with latents, with decoding, in `onFrame`. Unless given, `idle` rejects with the first of it. */
  readonly onError?: ((error: unknown) => unknown) | undefined;
  /** `diffusion` (default): latents as the loop works on them. `vae`: as the full VAE takes them (`fromVaeLatents`). */
  readonly space?: 'diffusion' | 'vae' | undefined;
  /** Which of a batch is shown; the first, 0, unless said. */
  readonly pick?: number | undefined;
  /** The most pictures a second; as many as can be decoded unless said. */
  readonly maxFps?: number | undefined;
}

/** What is told beside a picture. */
export interface Frame {
  /** What `push` was given beside the latents. */
  readonly step: number | undefined;
  /** How long it took to decode, other calls of the instance that came before included. */
  readonly elapsedMs: number;
  /** Latents that were dropped since the picture before, because newer ones came. */
  readonly dropped: number;
}

/** Shows the latest latents of a loop that does not wait for it. */
export interface Previewer {
  /**
   * To be called in the loop, with the latents as they are. It copies them and returns; decoding begins in a later turn of
   * the event loop. It never throws: what is wrong goes to `onError`, and the loop goes on.
   *
   * @param step  a number of the caller's, handed to `onFrame` with the picture
   * @returns whether they were taken: not after `stop`, nor where they are no latents
   */
  push(latents: LatentsLike, step?: number): boolean;
  /** Latents that were taken and never decoded, because newer ones came or `stop` was called. */
  readonly dropped: number;
  /**
   * Resolves when the last latents that were pushed are shown, so it must not be awaited in `onFrame`.
   *
   * @throws what went wrong, where there is no `onError`
   */
  idle(): Promise<void>;
  /** Drops what waits, cancels what is being decoded, takes nothing more. The instance stays as it is. */
  stop(): void;
}

const NAMES = Object.keys({
  onFrame: true,
  onError: true,
  space: true,
  pick: true,
  maxFps: true,
  width: true,
  height: true,
} satisfies Record<keyof PreviewOptions, true>);

/**
 * A previewer. Latents that come while others are being decoded wait, one at most: newer ones take their place. What is
 * being decoded is finished, else a fast loop would never see a picture.
 *
 * On the loop's own thread decoding takes turns of some 12 ms; an instance loaded with `workers: 1` decodes beside it.
 *
 * @param taesd  an instance with its decoder, whose latents are those of the loop's model
 * @throws TaesdError ARG for a wrong option
 */
export function createPreviewer(
  taesd: Pick<Taesd, 'decode' | 'info'>,
  options: PreviewOptions,
): Previewer {
  return inCall('preview', () => new LatestFirst(taesd, checkedOptions(taesd, options)));
}

/** Latents that wait, copied or on their way. */
interface Waiting {
  readonly latents: Tensor | Promise<Tensor>;
  readonly step: number | undefined;
}

class LatestFirst implements Previewer {
  readonly #taesd: Pick<Taesd, 'decode' | 'info'>;
  readonly #options: PreviewOptions;
  readonly #stopped = new AbortController();
  #waiting: Waiting | undefined;
  /** Settled when nothing is being decoded and nothing waits; undefined then. */
  #running: Promise<void> | undefined;
  #dropped = 0;
  /** Of these, those that the last frame has told of. */
  #toldDropped = 0;
  #frameStarted = -Infinity;
  #error: { readonly reason: unknown } | undefined;

  constructor(taesd: Pick<Taesd, 'decode' | 'info'>, options: PreviewOptions) {
    this.#taesd = taesd;
    this.#options = options;
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(latents: LatentsLike, step?: number): boolean {
    if (this.#stopped.signal.aborted) return false;
    try {
      const copy = inCall('preview', () => copyLatents(latents, this.#options.pick ?? 0));
      // Where it is dropped, nobody waits for it any more.
      if (copy instanceof Promise) copy.catch(() => {});
      this.#drop();
      this.#waiting = { latents: copy, step };
    } catch (error) {
      this.#fail(error);
      return false;
    }
    this.#running ??= this.#run();
    return true;
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error.reason;
  }

  stop(): void {
    this.#drop();
    this.#stopped.abort();
  }

  #drop(): void {
    if (this.#waiting !== undefined) this.#dropped++;
    this.#waiting = undefined;
  }

  async #run(): Promise<void> {
    while (this.#waiting !== undefined) {
      // Not in the turn of the loop that has pushed, nor in what it awaits at once.
      await nextTask();
      await this.#untilDue();
      // The latest by now.
      const waiting: Waiting | undefined = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) break;
      try {
        await this.#show(waiting);
      } catch (error) {
        if (!this.#stopped.signal.aborted) this.#fail(error);
      }
    }
    this.#running = undefined;
  }

  async #show({ latents, step }: Waiting): Promise<void> {
    const { space, width, height, onFrame } = this.#options;
    const { signal } = this.#stopped;
    const tensor = await unlessAborted(latents, signal);
    if (tensor === undefined) return;
    const started = performance.now();
    this.#frameStarted = started;
    const own = space === 'vae' ? fromVaeLatents(tensor, this.#taesd.info.model) : tensor;
    const picture = await this.#taesd.decode(own, { width, height, signal });
    if (signal.aborted) return;
    const dropped = this.#dropped - this.#toldDropped;
    this.#toldDropped = this.#dropped;
    await onFrame(picture, { step, elapsedMs: performance.now() - started, dropped });
  }

  /** Waits until the next picture may be begun, or `stop` is called. */
  async #untilDue(): Promise<void> {
    const { maxFps } = this.#options;
    if (maxFps === undefined) return;
    const missing = this.#frameStarted + 1000 / maxFps - performance.now();
    if (missing <= 0) return;
    const { signal } = this.#stopped;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, missing);
      signal.addEventListener('abort', end);
    });
  }

  /** An error is told, or kept to be told: the loop must not fail for want of a picture. */
  #fail(reason: unknown): void {
    const { onError } = this.#options;
    if (onError === undefined) {
      this.#error ??= { reason };
      return;
    }
    const keep = (error: unknown) => {
      this.#error ??= { reason: error };
    };
    try {
      Promise.resolve(onError(reason)).catch(keep);
    } catch (error) {
      keep(error);
    }
  }
}

/** What a promise gives, or undefined as soon as the signal fires: it may never settle. */
async function unlessAborted<T>(
  value: T | Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (!(value instanceof Promise)) return value;
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop);
  });
  return Promise.race([value, aborted]).finally(() => signal.removeEventListener('abort', stop));
}

function checkedOptions(taesd: unknown, options: PreviewOptions): PreviewOptions {
  const { decode, info } = (taesd ?? {}) as Partial<Taesd>;
  if (typeof decode !== 'function' || typeof info !== 'object') {
    throw expected('ARG', 'taesd', 'what Taesd.load gives', describe(taesd));
  }
  checkNames(options, NAMES, 'an object { onFrame, … }');
  const { onFrame, onError, space, pick, maxFps, width, height } = options;
  if (typeof onFrame !== 'function') {
    throw expected('ARG', 'onFrame', 'a function', describe(onFrame));
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw expected('ARG', 'onError', 'a function', describe(onError));
  }
  if (space !== undefined && space !== 'diffusion' && space !== 'vae') {
    throw expected('ARG', 'space', "'diffusion' or 'vae'", describe(space));
  }
  if (width !== undefined) checkSize('width', width);
  if (height !== undefined) checkSize('height', height);
  if (pick !== undefined && !(Number.isInteger(pick) && pick >= 0)) {
    throw expected('ARG', 'pick', 'a whole number from 0 on', describe(pick));
  }
  if (maxFps !== undefined && !(Number.isFinite(maxFps) && maxFps > 0)) {
    throw expected('ARG', 'maxFps', 'a number above 0', describe(maxFps));
  }
  return { ...options };
}
