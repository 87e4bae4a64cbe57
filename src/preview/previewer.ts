import { type EndedByUsing, endByUsing } from '../builtins/disposal.ts';
import { isPromise } from '../builtins/tags.ts';
import { checkIndex, checkNames, checkResolution, checkSize, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { variantNamed } from '../model/variants.ts';
import type { Picture, SizeOptions } from '../options/types.ts';
import { Doorbell } from '../platform/doorbell.ts';
import { milliseconds, nextTask, ringAfter } from '../platform/timers.ts';
import type { Taesd } from '../taesd.ts';
import type { Placed } from '../tensor-like/packed.ts';
import { pickOne } from '../tensor-like/pick-one.ts';
import { type ReadLatents, readLatentsLike } from '../tensor-like/read-latents-like.ts';
import { checkSpace } from '../tensor-like/space.ts';
import type { LatentsWithOrigin, Space, TensorLike } from '../tensor-like/types.ts';
import { checkFrameCallbacks, ErrorKeeper } from './error-keeper.ts';
import { type PredictionStep, predictedStep } from './predict-original.ts';

/**
 * The options of `createPreviewer`. `width`, `height` and `resolution` are those of `decode`.
 */
export interface PreviewOptions extends SizeOptions {
  /**
   * Takes each picture, in the order of the pushes. If it returns a promise, the instance that
   * decoded the picture begins its next one after that settles.
   */
  readonly onFrame: (picture: Picture, frame: FrameInfo) => void | Promise<void>;
  /**
   * Takes errors of latents, of decoding and of `onFrame`. Without it, the console gets the first
   * error, and `idle` rejects with it.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
  /**
   * `diffusion` for latents that the loop works on, `vae` for latents of the model's full VAE,
   * which go through `fromVaeLatents`. Defaults to `diffusion`.
   */
  readonly space?: Space | undefined;
  /** The index, in a batch, of the latents to show. Defaults to 0. */
  readonly pick?: number | undefined;
  /** The maximum number of pictures a second, above 0. Defaults to no limit. */
  readonly maxFps?: number | undefined;
}

/** Facts about a picture that `onFrame` takes. */
export interface FrameInfo {
  /** The `step` of the `push` with its latents. */
  readonly step: number | undefined;
  /** Milliseconds of decoding, including the wait for earlier calls of the instance. */
  readonly elapsedMs: number;
  /** Latents dropped since the last picture, because newer ones came. */
  readonly dropped: number;
}

/** Shows the latest latents of a diffusion loop, which does not wait for it. */
export interface Previewer extends EndedByUsing {
  /**
   * Takes latents from the loop. It copies them and returns; decoding begins in a later turn of the
   * event loop. It never throws: errors go to `onError`, and the loop goes on.
   *
   * @param latents  a tensor of any library with the model's channels, as for `decode`
   * @param step     any number, passed to `onFrame` with the picture
   * @returns true if they were taken; false after `stop`, and for latents that are wrong already
   *   before any reading from a GPU
   */
  push(latents: TensorLike | LatentsWithOrigin, step?: number): boolean;
  /**
   * Takes a step's sample and the model's output, and shows the picture the model predicts from
   * them, where the sample alone would show noise. See `predictOriginal` for the options. Both
   * tensors are copied, and either may have to be read from a GPU.
   */
  push(sample: TensorLike, prediction: PredictionStep): boolean;
  /** Latents taken but never decoded, because newer ones came or `stop` was called. */
  readonly dropped: number;
  /**
   * Resolves when the last latents pushed are shown. Awaiting it in `onFrame` would wait forever.
   *
   * @throws the first error, if there is no `onError`: a TaesdError of reading or decoding latents,
   *   or what `onFrame` threw; and what `onError` threw
   */
  idle(): Promise<void>;
  /**
   * Drops waiting latents, cancels decoding, takes no more latents. The instance stays loaded. A
   * `using` declaration calls it at the end of its block.
   */
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
  resolution: true,
} satisfies Record<keyof PreviewOptions, true>);

/**
 * Makes a previewer. While latents are being decoded, only the latest others wait: newer ones
 * replace them. Nothing stops the decoding, because a fast loop would then never show a picture.
 *
 * On the loop's own thread decoding takes turns of about 12 ms. An instance loaded with
 * `workers: 1` decodes on another thread. Several such instances decode as many pictures at once.
 * With a small model they show more pictures a second than one instance with as many workers: the
 * rows around the border between two workers' shares are made twice, which for `nano` at 512×512 is
 * more than half of the work.
 *
 * @param taesd    an instance with a decoder for latents of the loop's model, or several instances
 *   of one model
 * @param options  `onFrame` is required
 * @throws TaesdError ARG (not an instance, instances of several models, wrong option)
 */
export function createPreviewer(
  taesd: Decoder | readonly Decoder[],
  options: PreviewOptions,
): Previewer {
  return inCall('preview', () => {
    const decoders = checkedDecoders(listOf(taesd));
    const previewer = new LatestFirst(decoders, checkedOptions(options));
    endByUsing(previewer, () => previewer.stop());
    return previewer as Omit<Previewer, keyof EndedByUsing> as Previewer;
  });
}

/** The part of an instance that a previewer uses. */
export type Decoder = Pick<Taesd, 'decode' | 'info'>;

/** Waiting latents: a copy, or a promise while their numbers are read from a GPU. */
interface Waiting {
  readonly latents: ReadLatents | Promise<ReadLatents>;
  readonly step: number | undefined;
}

class LatestFirst {
  readonly #model: string;
  /** The instances that are not at work. */
  readonly #free: Decoder[];
  readonly #options: PreviewOptions;
  readonly #stopped = new AbortController();
  #waiting: Waiting | undefined;
  /** A promise for each instance at work. It settles when the instance has no more to show. */
  readonly #running = new Set<Promise<void>>();
  /** Settles when the latest latents that an instance took are shown. */
  #shown: Promise<void> = Promise.resolve();
  #dropped = 0;
  /** `#dropped` at the last frame. */
  #droppedBefore = 0;
  #frameStarted = -Infinity;
  readonly #errors: ErrorKeeper;

  constructor(decoders: Decoder[], options: PreviewOptions) {
    this.#model = decoders[0].info.model;
    this.#free = decoders;
    this.#options = options;
    this.#errors = new ErrorKeeper(options.onError, true);
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(latents: TensorLike | LatentsWithOrigin, by?: number | PredictionStep): boolean {
    if (this.#stopped.signal.aborted) return false;
    try {
      const copy = inCall('preview', () => this.#copied(latents, by));
      // Nothing awaits dropped latents: their rejection must not go unhandled.
      if (isPromise(copy)) copy.catch(() => {});
      this.#drop();
      const step = typeof by === 'object' ? by?.step : by;
      this.#waiting = { latents: copy, step };
    } catch (error) {
      this.#errors.report(error);
      return false;
    }
    const decoder = this.#free.pop();
    if (decoder !== undefined) {
      const run = this.#run(decoder);
      this.#running.add(run);
      void run.then(() => this.#running.delete(run));
    }
    return true;
  }

  #copied(
    latents: TensorLike | LatentsWithOrigin,
    by: number | PredictionStep | undefined,
  ): ReadLatents | Promise<ReadLatents> {
    if (typeof by !== 'object' || by === null) return this.#copy(latents);
    const original = predictedStep(latents as TensorLike, by);
    // The axes of the prediction are those of the sample.
    const { layout } = latents as TensorLike;
    return isPromise(original)
      ? original.then((tensor) => this.#copy({ ...tensor, layout }))
      : this.#copy({ ...original, layout });
  }

  #copy(latents: TensorLike | LatentsWithOrigin): ReadLatents | Promise<ReadLatents> {
    const { pick = 0, space, width, height } = this.#options;
    const variant = variantNamed(this.#model);
    const channels = [variant.latentChannels];
    // `decode` looks for NaN.
    const select = (all: Placed) => pickOne('latents', all, pick);
    const size = { width, height };
    const wanted = { what: 'latents', channels, select, space, ...size, allowNonFinite: true };
    return readLatentsLike(latents, wanted, variant);
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#errors.rethrow();
  }

  stop(): void {
    this.#drop();
    this.#stopped.abort();
  }

  #drop(): void {
    if (this.#waiting !== undefined) this.#dropped++;
    this.#waiting = undefined;
  }

  async #run(decoder: Decoder): Promise<void> {
    while (this.#waiting !== undefined) {
      // Leaves the turn of the loop's `push`, its microtasks included.
      await nextTask();
      await this.#untilDue();
      // Newer latents may have come meanwhile.
      const waiting: Waiting | undefined = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) break;
      const before = this.#shown;
      const shown = new Doorbell();
      this.#shown = shown.wait();
      try {
        await this.#show(waiting, decoder, before);
      } catch (error) {
        if (!this.#stopped.signal.aborted) this.#errors.report(error);
      }
      shown.ring();
    }
    // Nothing was awaited since no latents waited, so the next push finds the instance free.
    this.#free.push(decoder);
  }

  /**
   * Decodes latents and shows the picture.
   *
   * @param before  settles when all latents that were taken before are shown
   */
  async #show({ latents, step }: Waiting, decoder: Decoder, before: Promise<void>): Promise<void> {
    const { onFrame, resolution } = this.#options;
    const { signal } = this.#stopped;
    const read = await unlessAborted(latents, signal);
    if (read === undefined) return;
    const started = milliseconds();
    this.#frameStarted = started;
    const { tensor, space, size } = read;
    const picture = await decoder.decode(tensor, { ...size, resolution, space, signal });
    const elapsedMs = milliseconds() - started;
    await before;
    if (signal.aborted) return;
    const dropped = this.#dropped - this.#droppedBefore;
    this.#droppedBefore = this.#dropped;
    await onFrame(picture, { step, elapsedMs, dropped });
  }

  /** Waits until `maxFps` allows the next picture, or `stop` is called. */
  async #untilDue(): Promise<void> {
    const { maxFps } = this.#options;
    if (maxFps === undefined) return;
    const missing = this.#frameStarted + 1000 / maxFps - milliseconds();
    if (missing <= 0) return;
    const { signal } = this.#stopped;
    const due = new Doorbell();
    const ring = () => due.ring();
    const stop = ringAfter(missing, ring);
    signal.addEventListener('abort', ring);
    await due.wait();
    stop();
    signal.removeEventListener('abort', ring);
  }
}

/** Resolves to a value, or to undefined as soon as the signal fires: `value` may never settle. */
async function unlessAborted<T>(
  value: T | Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (!isPromise(value)) return value;
  const stopped = new Doorbell();
  const ring = () => stopped.ring();
  signal.addEventListener('abort', ring);
  const nothing = stopped.wait().then(() => undefined);
  return Promise.race([value, nothing]).finally(() => signal.removeEventListener('abort', ring));
}

/** The maximum number of instances. Lists of any length come in, and holes count. */
const MAX_INSTANCES = 64;

/** @throws TaesdError ARG (no instance, or too many) */
function listOf(taesd: unknown): unknown[] {
  if (!Array.isArray(taesd)) return [taesd];
  const { length } = taesd;
  if (length >= 1 && length <= MAX_INSTANCES) return Array.from({ length }, (_, n) => taesd[n]);
  throw expected('ARG', 'taesd', `1 to ${MAX_INSTANCES} instances`, `${length}`);
}

/** @throws TaesdError ARG (not an instance, instances of several models) */
function checkedDecoders(decoders: unknown[]): Decoder[] {
  const models = decoders.map((decoder) => {
    const { decode, info } = (decoder ?? {}) as Partial<Taesd>;
    if (typeof decode === 'function' && typeof info === 'object') return info.model;
    throw expected('ARG', 'taesd', 'an instance from Taesd.load', describe(decoder));
  });
  if (new Set(models).size === 1) return decoders as Decoder[];
  throw expected('ARG', 'taesd', 'instances of one model', models.join(', '));
}

function checkedOptions(options: PreviewOptions): PreviewOptions {
  checkNames(options, NAMES, 'an object { onFrame, … }');
  const { space, pick, maxFps, width, height, resolution } = options;
  checkFrameCallbacks(options);
  if (space !== undefined) checkSpace(space);
  checkResolution(resolution);
  if (width !== undefined) checkSize('width', width);
  if (height !== undefined) checkSize('height', height);
  if (pick !== undefined) checkIndex('pick', pick);
  if (maxFps !== undefined && !(Number.isFinite(maxFps) && maxFps > 0)) {
    throw expected('ARG', 'maxFps', 'a number above 0', describe(maxFps));
  }
  return { ...options };
}
