import type { Picture, Taesd, Tensor } from 'taesd-wasm';
import { createPreviewer, type Previewer } from 'taesd-wasm/preview';
import { tell } from './answer.ts';
import type { PreviewChannel } from './protocol.ts';

/** The package's previewers, one for each loop of the page: the latest latents are decoded, stale ones dropped. */
export class Previews {
  readonly #taesd: Taesd;
  readonly #previewers = new Map<PreviewChannel, { previewer: Previewer; size: string }>();

  constructor(taesd: Taesd) {
    this.#taesd = taesd;
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

  #create(channel: PreviewChannel, width: number, height: number): Previewer {
    return createPreviewer(this.#taesd, {
      width,
      height,
      onFrame: (picture: Picture, { step, elapsedMs, dropped }) => {
        const frame = { channel, picture, step, elapsedMs, dropped };
        tell({ type: 'frame', frame }, [picture.data.buffer]);
      },
      onError: (error) => tell({ type: 'preview-error', message: (error as Error).message }),
    });
  }
}
