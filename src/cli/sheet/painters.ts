import { hasOwn } from '../../builtins/newer.ts';
import { expected, isAbort, TaesdError } from '../../errors.ts';
import { type LoadOptions, nanoFor, Taesd } from '../../index.ts';
import { type LatentSpace, VARIANTS } from '../../model/variants.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { nothingAt } from '../../weights/from-location.ts';
import { FOLDER_VARIABLE, nowhere } from '../../weights/locate.ts';
import type { Size } from '../line/size.ts';
import type { Raster } from '../maps/raster.ts';
import { aboutRequest } from '../network/proxy.ts';
import { isNotFound } from '../terminal/faults.ts';
import { reasonWords, type Say } from '../terminal/say.ts';
import { loadedNote } from '../terminal/webgpu-notes.ts';
import { byMatrix } from './by-matrix.ts';
import { MATRICES } from './matrices.ts';
import type { ShownLatents } from './shown.ts';
import { Thumbnail } from './thumbnail.ts';

/** The options that decide how latents are drawn. */
export interface PainterOptions extends Pick<LoadOptions, 'weights' | 'workers' | 'backend'> {
  /** True to draw all latents by matrices. */
  readonly matrix: boolean;
  readonly signal: AbortSignal;
  /** Writes a note, such as one about a model without weights. */
  readonly say: Say;
}

/**
 * Checks the folder of weights before the long work. A folder that lacks a model is in order, since
 * a matrix takes its place; one that does not exist is mistyped.
 *
 * @param weights  defaults to the folder that TAESD_WEIGHTS names
 * @throws TaesdError ARG, UNSUPPORTED (a .pth)
 */
export async function checkWeights(weights: string | undefined): Promise<void> {
  const location = weights ?? environmentVariable(FOLDER_VARIABLE) ?? '';
  const nothing = location === '' ? undefined : await nothingAt(location, 'a folder of weights');
  if (nothing === undefined) return;
  throw weights === undefined ? nowhere(nothing) : nothing.error();
}

/** A picture of latents, and what drew it: `nano`, `taef2`, `taef2 matrix`. */
export interface Painted {
  readonly picture: Raster;
  readonly by: string;
}

/**
 * Draws latents: by the small model of their space, if there is one; others by their model if its
 * weights are at hand, otherwise by the matrix of their space. Each model is loaded once, when it
 * is needed.
 *
 * Latents are decoded whole and scaled down afterwards. Latents of half the width and height would
 * take a quarter of the time, but decode to another picture: 19 dB beside the right one at 192
 * pixels (astronaut, nano and taesdxl), hardly nearer than a matrix.
 */
export class Painters {
  readonly #options: PainterOptions;
  readonly #models = new Map<LatentSpace, Taesd | undefined>();
  readonly #said = new Set<string>();

  constructor(options: PainterOptions) {
    this.#options = options;
  }

  /**
   * @param size  the size to scale the picture down to
   * @throws TaesdError NONFINITE, LIMIT, OOM, ABORTED
   */
  async paint(shown: ShownLatents, size: Size): Promise<Painted> {
    const { space } = VARIANTS[shown.model];
    const taesd = await this.#modelOf(space);
    if (taesd !== undefined) {
      return { picture: await this.#decode(taesd, shown, size), by: taesd.info.model };
    }
    if (!shown.latents.data.every(Number.isFinite)) {
      throw expected('NONFINITE', 'latents', 'finite numbers', 'NaN or infinity');
    }
    return { picture: byMatrix(shown, size), by: `${space} matrix` };
  }

  /** Says once that workers could not start, which is known after the work. */
  sayWorkers(): void {
    for (const taesd of this.#models.values()) {
      const reason = taesd?.info.workersReason;
      if (reason !== undefined) {
        this.#sayOnce(`no workers, one thread did the work: ${reason}`);
      }
    }
  }

  #sayOnce(note: string): void {
    if (this.#said.has(note)) return;
    this.#said.add(note);
    this.#options.say(note);
  }

  /** Ends all models. */
  dispose(): void {
    for (const taesd of this.#models.values()) taesd?.dispose();
    this.#models.clear();
  }

  async #decode(taesd: Taesd, shown: ShownLatents, size: Size): Promise<Raster> {
    const { latents, space, width, height } = shown;
    const thumbnail = new Thumbnail({ width, height }, size);
    const options = { space, width, height, signal: this.#options.signal };
    for await (const { rows, data } of taesd.decodeRows(latents, options)) {
      for (let row = 0; row < rows; row++) {
        thumbnail.addRow(data.subarray(4 * row * width, 4 * (row + 1) * width));
      }
    }
    return thumbnail.picture();
  }

  async #modelOf(space: LatentSpace): Promise<Taesd | undefined> {
    if (this.#options.matrix) return undefined;
    if (!this.#models.has(space)) this.#models.set(space, await this.#load(space));
    return this.#models.get(space);
  }

  async #load(space: LatentSpace): Promise<Taesd | undefined> {
    const { weights, workers, backend, signal } = this.#options;
    // The reference has no 16-bit products. A thumbnail does not show them.
    const precision = backend === 'reference' ? undefined : 'fast';
    // At 192 pixels nano is 28.2 dB beside chelsea.png and taesd 30.6 dB, in 30 times the work.
    const small = nanoFor(space);
    const source = small === undefined ? { model: space, weights } : { model: small };
    try {
      const options = { only: 'decoder', precision, workers, backend, signal } as const;
      const taesd = await Taesd.load({ ...options, ...source });
      const note = loadedNote(taesd.info, undefined);
      if (note !== undefined) this.#sayOnce(note);
      return taesd;
    } catch (error) {
      if (!(error instanceof TaesdError) || isAbort(error)) throw error;
      // No matrix takes the place of these.
      if (!hasOwn(MATRICES, space)) throw error;
      const reason =
        isNotFound(error) && small === undefined
          ? `taesd pull ${space} fetches its weights`
          : reasonWords(aboutRequest(error));
      this.#sayOnce(`a matrix draws the latents of ${space}, by colours alone: ${reason}`);
      return undefined;
    }
  }
}
