import type { Picture, Taesd, Tensor } from 'taesd-wasm';
import { createPreviewer, type Previewer } from 'taesd-wasm/preview';
import { tell } from './answer.ts';
import type { PreviewChannel } from './protocol.ts';

/**
 * The package's previewers, one for each loop of the page: the latest latents are decoded, stale
 * ones dropped.
 */
export class Previews {
  readonly #taesd: Taesd;
  readonly #onDone: () => void;
  readonly #previewers = new Map<PreviewChannel, { previewer: Previewer; size: string }>();

  /** @param onDone  called after each picture */
  constructor(taesd: Taesd, onDone: () => void) {
    this.#taesd = taesd;
    this.#onDone = onDone;
  }

  push(channel: PreviewChannel, latents: Tensor, step: number, width: number, height: number) {
    const size = `${width}×${height}`;
    let entry = this.#previewers.get(channel);
    if (entry?.size !== size) {
      entry?.previewer.stop();
      entry = { size, previewer: this.#create(channel, width, height) };
      this.#previewers.set(channel, entry);
    }
    entry.previewer.push(latents, step);
  }

  stop(channel: PreviewChannel): void {
    this.#previewers.get(channel)?.previewer.stop();
    this.#previewers.delete(channel);
  }

  stopAll(): void {
    for (const channel of this.#previewers.keys()) this.stop(channel);
  }

  #create(channel: PreviewChannel, width: number, height: number): Previewer {
    return createPreviewer(this.#taesd, {
      width,
      height,
      onFrame: (picture: Picture, { step, elapsedMs, dropped }) => {
        const frame = { channel, picture, step, elapsedMs, dropped };
        tell({ type: 'frame', frame }, [picture.data.buffer]);
        this.#onDone();
      },
      onError: (error) => tell({ type: 'preview-error', message: (error as Error).message }),
    });
  }
}
