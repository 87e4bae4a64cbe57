import { type LoadOptions, type ModelName, Taesd, TaesdError } from '../../index.ts';
import { nanoIsSaid } from '../../weights/locate.ts';
import { aboutRequest } from '../network/proxy.ts';
import type { Say } from '../terminal/say.ts';

/** The options of the command that decide about its models. */
type ModelOptions = Pick<LoadOptions, 'weights' | 'precision' | 'workers'>;

/**
 * The models of a server. A model is loaded anew if the handler has disposed of it: one whose work
 * did not end in time.
 */
export class ServedModels {
  readonly #options: ModelOptions;
  readonly #say: Say;
  readonly #said = new Set<string>();
  /** Models that were loaded before the first request for them. */
  readonly #ready = new Map<ModelName, Taesd>();
  readonly #loaded = new Set<Taesd>();

  /** @param say  writes notes */
  constructor({ weights, precision, workers }: ModelOptions, say: Say) {
    this.#options = { weights, precision, workers };
    this.#say = say;
  }

  /**
   * Loads a model before it is needed.
   *
   * @param model  undefined for the one that the weights decide about
   * @returns its name
   * @throws TaesdError as `Taesd.load`
   */
  async prepare(model: ModelName | undefined): Promise<ModelName> {
    const taesd = await this.#load(model);
    this.#ready.set(taesd.info.model, taesd);
    return taesd.info.model;
  }

  /** Returns a model for the handler. @throws TaesdError as `Taesd.load` */
  async take(model: ModelName): Promise<Taesd> {
    const ready = this.#ready.get(model);
    this.#ready.delete(model);
    return ready ?? (await this.#load(model));
  }

  async #load(model: ModelName | undefined): Promise<Taesd> {
    // The command lists its models in words of its own.
    nanoIsSaid();
    const taesd = await Taesd.load({ ...this.#options, model }).catch((error: unknown) => {
      throw error instanceof TaesdError ? aboutRequest(error) : error;
    });
    this.#loaded.add(taesd);
    const { weightsNote } = taesd.info;
    if (weightsNote !== undefined) this.#sayOnce(`weights: ${weightsNote}`);
    return taesd;
  }

  dispose(): void {
    for (const taesd of this.#loaded) taesd.dispose();
  }

  #sayOnce(note: string): void {
    if (this.#said.has(note)) return;
    this.#said.add(note);
    this.#say(note);
  }
}
