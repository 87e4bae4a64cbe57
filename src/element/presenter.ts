import { isFloats, isPromise } from '../builtins/tags.ts';
import { expected, inCall, type TaesdError } from '../errors.ts';
import { type ModelName, nanoOf, variantNamed } from '../model/variants.ts';
import type { DecodeOptions, Picture } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import type { PredictionStep } from '../preview/predict-original.ts';
import { createPreviewer, type Previewer } from '../preview/previewer.ts';
import type { LatentsWithOrigin, Space, TensorLike } from '../tensor-like/types.ts';
import type { Audience, PresentedFrame } from './audience.ts';
import { OwnModel } from './own-model.ts';
import type { Instance } from './reception.ts';
import type { PreviewLatents } from './types.ts';

/** The attributes of an element, as they are now. */
export interface Settings {
  readonly model: string | undefined;
  readonly weights: string | undefined;
  readonly download: boolean;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly resolution: number | undefined;
  readonly space: string | undefined;
  readonly alt: string | undefined;
  /** The address that others are relative to. */
  readonly base: string;
}

type Decoder = Instance | OwnModel;

/** The reason why latents were not decoded: newer ones came while the model was loaded. */
const SUPERSEDED = 'superseded';

/** The work of an element, without the page: models, sources and previews. Nothing here throws. */
export class Presenter {
  readonly #settings: () => Settings;
  readonly #audience: Audience;
  #given: Instance | undefined;
  #own: OwnModel | undefined;
  #previewer: { readonly key: string; readonly of: Decoder; readonly it: Previewer } | undefined;
  /** Fires when the source is closed. */
  #source = new AbortController();
  #pushes = 0;
  /** Latents that the previewer does not count as dropped. */
  #superseded = 0;
  #lastError: unknown;

  constructor(settings: () => Settings, audience: Audience) {
    this.#settings = settings;
    this.#audience = audience;
  }

  /** Decodes with an instance of the caller's; with a model of its own, if it is undefined. */
  give(taesd: Instance | undefined): void {
    this.#given = taesd;
    if (taesd !== undefined) this.#releaseOwn();
  }

  /** Begins to load the model that the settings name. */
  load(): void {
    if (this.#given !== undefined) return;
    this.#guarded(async () => {
      const decoder = this.#decoderFor(undefined);
      if (decoder instanceof OwnModel) await decoder.load();
    });
  }

  /** Shows latents. @returns true if they were taken */
  push(latents: PreviewLatents, by?: number | PredictionStep): boolean {
    let isTaken = false;
    this.#guarded(() => {
      this.#pushes++;
      const { model } = (latents ?? {}) as Partial<LatentsWithOrigin>;
      const decoder = this.#decoderFor(model);
      const shaped = isFloats(latents) ? this.#shaped(latents, decoder.info.model) : latents;
      isTaken = this.#previewerOf(decoder).push(shaped as TensorLike, by as PredictionStep);
    });
    return isTaken;
  }

  /** Closes the source before and shows what comes from another. */
  open(source: unknown): void {
    this.close();
    this.#source = new AbortController();
    const { signal } = this.#source;
    this.#guarded(async () => {
      const { receive } = await lazily(() => import('./source.ts'));
      if (signal.aborted) return;
      const { base, resolution } = this.#settings();
      await receive(source, {
        ...{ base, signal, resolution },
        push: (found) => this.push(found),
        instanceFor: (model, newest) => this.#instanceOf(this.#decoderFor(model), newest),
        onFrame: (picture, frame) => this.#present(picture, frame),
        onError: (error) => this.#fail(error),
      });
    }, signal);
  }

  /** Stops reading the source. Latents that came from it are still shown. */
  close(): void {
    this.#source.abort();
  }

  /** Ends all work and frees the model that was loaded here. The presenter can be used again. */
  stop(): void {
    this.close();
    this.#stopPreviewer();
    this.#releaseOwn();
  }

  #stopPreviewer(): void {
    this.#previewer?.it.stop();
    this.#previewer = undefined;
  }

  #releaseOwn(): void {
    if (this.#own === undefined) return;
    if (this.#previewer !== undefined && this.#previewer.of !== this.#given) this.#stopPreviewer();
    this.#own.dispose();
    this.#own = undefined;
    this.#audience.onLoading(false);
  }

  /**
   * Returns the instance for latents.
   *
   * @param said  the model that the latents name
   * @throws TaesdError ARG (not the name of a model)
   */
  #decoderFor(said: unknown): Decoder {
    if (this.#given !== undefined) return this.#given;
    const { model, weights, download, base } = this.#settings();
    const isFull = weights !== undefined || download;
    const { name } = variantNamed(
      model ?? latentsModel(said, isFull) ?? this.#own?.info.model ?? (isFull ? 'taesd' : 'nano'),
    );
    const key = [name, weights, download].join(' ');
    if (this.#own?.key === key) return this.#own;
    this.#releaseOwn();
    const own: OwnModel = new OwnModel({
      key,
      model: name,
      weights: weights === undefined ? undefined : new URL(weights, base),
      download,
      isCurrent: () => this.#own === own,
      audience: this.#audience,
    });
    this.#own = own;
    return own;
  }

  #previewerOf(decoder: Decoder): Previewer {
    const { width, height, resolution, space } = this.#settings();
    const key = [width, height, resolution, space].join(' ');
    const present = this.#previewer;
    if (present?.of === decoder && present.key === key) return present.it;
    this.#stopPreviewer();
    const it = createPreviewer(
      this.#instanceOf(decoder, () => this.#pushes),
      {
        ...{ width, height, resolution },
        space: space as Space | undefined,
        onFrame: (picture, frame) => this.#present(picture, frame),
        onError: (error) => this.#fail(error),
      },
    );
    this.#previewer = { key, of: decoder, it };
    return it;
  }

  #present(picture: Picture, frame: PresentedFrame): void {
    const dropped = frame.dropped + this.#superseded;
    this.#superseded = 0;
    this.#audience.onFrame(picture, { ...frame, dropped });
  }

  /**
   * Returns what a previewer uses of an instance, before the model is loaded.
   *
   * @param newest  returns the number of the latest latents
   */
  #instanceOf(decoder: Decoder, newest: () => number): Instance {
    if (!(decoder instanceof OwnModel)) return decoder;
    const decode = async (latents: TensorLike, options: DecodeOptions) => {
      const number = newest();
      const taesd = await decoder.load();
      // Newer latents came while these waited for the model: they are shown instead.
      if (number !== newest()) throw SUPERSEDED;
      return taesd.decode(latents, options);
    };
    return { info: decoder.info, decode } as unknown as Instance;
  }

  /** @throws TaesdError ARG (numbers that are no square, without a size) */
  #shaped(data: Float32Array, model: ModelName): TensorLike {
    const { latentChannels, downscale } = variantNamed(model);
    const { width, height } = this.#settings();
    const side = Math.sqrt(data.length / latentChannels);
    const isSized = width !== undefined && height !== undefined;
    if (!isSized && !Number.isInteger(side)) {
      const rule = `${latentChannels} channels of a square, or an element with width and height`;
      throw expected('ARG', 'latents', rule, `${data.length} numbers`);
    }
    const [h, w] = isSized
      ? [height, width].map((one) => Math.ceil(one / downscale))
      : [side, side];
    return { shape: [1, latentChannels, h, w], data };
  }

  /** Reports what `work` throws or rejects with, if the signal has not fired. */
  #guarded(work: () => unknown, signal?: AbortSignal): void {
    const report = (error: unknown) => {
      if (signal?.aborted !== true) this.#fail(error);
    };
    try {
      const result = inCall('taesd-preview', work);
      if (isPromise(result)) result.catch(report);
    } catch (error) {
      report(error);
    }
  }

  /** Reports an error once: loading may fail for several calls at the same time. */
  #fail(error: unknown): void {
    if (error === SUPERSEDED) this.#superseded++;
    else if (error !== this.#lastError) this.#audience.onError(error as TaesdError);
    this.#lastError = error;
  }
}

/** Returns the model for latents by the one that they name, if they do. */
function latentsModel(said: unknown, isFull: boolean): ModelName | undefined {
  if (said === undefined) return undefined;
  const variant = variantNamed(said);
  return isFull ? variant.name : (nanoOf(variant) ?? variant.name);
}
