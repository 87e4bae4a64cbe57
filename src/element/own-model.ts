import type { ModelName } from '../model/variants.ts';
import type { Info } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import type { Taesd } from '../taesd.ts';
import type { Audience } from './audience.ts';

interface OwnModelOptions {
  /** All that the model is loaded by. */
  readonly key: string;
  readonly model: ModelName;
  readonly weights: URL | undefined;
  readonly download: boolean;
  /** Returns false after another model took the place of this one. */
  readonly isCurrent: () => boolean;
  readonly audience: Pick<Audience, 'onLoading' | 'onLoad' | 'onProgress'>;
}

/** A model that an element loads and disposes of. */
export class OwnModel {
  readonly info: Pick<Info, 'model'>;
  readonly key: string;
  readonly #options: OwnModelOptions;
  readonly #disposed = new AbortController();
  #taesd: Promise<Taesd> | undefined;

  constructor(options: OwnModelOptions) {
    this.#options = options;
    this.key = options.key;
    this.info = { model: options.model };
  }

  /**
   * Loads the model, or waits for it. A load that failed begins again.
   *
   * @throws TaesdError as `Taesd.load`; ABORTED after `dispose`
   */
  load(): Promise<Taesd> {
    this.#taesd ??= this.#begun();
    return this.#taesd;
  }

  dispose(): void {
    this.#disposed.abort();
    this.#taesd?.then(
      (taesd) => taesd.dispose(),
      () => {},
    );
  }

  async #begun(): Promise<Taesd> {
    const { model, weights, download, audience, isCurrent } = this.#options;
    audience.onLoading(true);
    try {
      // Imported on first use: a page that hands an instance in has that code already.
      const { Taesd } = await lazily(() => import('../taesd.ts'));
      const taesd = await Taesd.load({
        ...{ model, weights, download, only: 'decoder', precision: 'fast' },
        signal: this.#disposed.signal,
        onDownload: (progress) => audience.onProgress(progress),
      });
      if (isCurrent()) audience.onLoad(taesd.info);
      return taesd;
    } catch (error) {
      this.#taesd = undefined;
      throw error;
    } finally {
      if (isCurrent()) audience.onLoading(false);
    }
  }
}
