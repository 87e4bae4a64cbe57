import { Taesd } from 'taesd-wasm';
import { defineTaesdPreview, type FrameDetail, type TaesdPreviewElement } from 'taesd-wasm/element';
import { createPreviewer, type Previewer } from 'taesd-wasm/preview';

/*
 * The package's types in a strict project for browsers, whose library is that of ES2020: nothing of
 * Node, and no `Symbol.dispose`. Compiled by `npm run lint`, never run.
 */

export async function page(canvas: HTMLCanvasElement): Promise<void> {
  const taesd = await Taesd.load({ model: 'nano' });
  const latents = await taesd.encode(canvas);
  await taesd.decodeToCanvas(latents, canvas);
  const previewer: Previewer = createPreviewer(taesd, { onFrame: ({ data }) => void data });
  previewer.stop();
  defineTaesdPreview();
  const element: TaesdPreviewElement = document.createElement('taesd-preview');
  element.taesd = taesd;
  element.width = 512;
  element.src = new Blob([]);
  element.latents = latents;
  element.push(latents, { output: latents, prediction: 'flow', sigma: 1 });
  element.addEventListener('frame', (event) => {
    const { step, width }: FrameDetail = event.detail;
    canvas.title = `${step} ${width}`;
  });
  element.addEventListener('error', ({ detail }) => void `${detail.code} ${detail.message}`);
  // @ts-expect-error: a TaesdError has no step.
  element.addEventListener('error', ({ detail }) => void detail.step);
  element.addEventListener('frame', (event: CustomEvent<FrameDetail>) => void event.detail.step);
  element.addEventListener('load', ({ detail }) => void detail.model, { once: true });
  element.addEventListener('progress', ({ detail }) => void detail.done);
  element.addEventListener('click', ({ clientX }) => void clientX);
  canvas.after(element);
  taesd.dispose();
}
