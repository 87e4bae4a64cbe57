// An extension of ComfyUI's page: decodes the latents that the pack sends, and shows each step's
// picture in its full size.
import { api } from '../../scripts/api.js';
import { app } from '../../scripts/app.js';
import { PreviewPanel } from './preview-panel.js';

const EVENT = 'taesd-wasm.latents';

/**
 * The small decoder for a model's latents. These files end in .mjs: ComfyUI loads every .js file of
 * this folder when its page opens, and they are needed with the first latents.
 */
const SMALL = {
  taesd: async () => (await import('./nano.mjs')).nano(),
  taesdxl: async () => (await import('./nano-sdxl.mjs')).nanoSdxl(),
  taesd3: async () => (await import('./nano-sd3.mjs')).nanoSd3(),
  taef1: async () => (await import('./nano-flux1.mjs')).nanoFlux1(),
};

const panel = new PreviewPanel();
/** A promise of the previewer of each model. */
const previewers = new Map();
/** The facts of the frames that a previewer took, by a number of this page's own. */
const frames = new Map();
let isOn = true;
let serial = 0;

app.registerExtension({
  name: 'taesd-wasm.latentPreviews',
  settings: [
    {
      id: 'taesd-wasm.latentPreviews.show',
      name: 'Show each step in its full size',
      type: 'boolean',
      defaultValue: true,
      onChange(value) {
        isOn = value;
        if (!isOn) panel.hide();
      },
    },
  ],
  setup() {
    api.addEventListener(EVENT, ({ detail }) => {
      if (isOn) show(detail).catch((error) => panel.fail(error));
    });
  },
});

/** @param {{ frame: string, node: string | null }} detail  `frame` is base64 */
async function show({ frame, node }) {
  const { decodeFrame } = await import('./taesd.mjs');
  const latents = decodeFrame(frame);
  const previewer = await previewerOf(latents.model);
  serial += 1;
  frames.set(serial, { ...latents, node });
  previewer.push(latents, serial);
}

/** Loads a model once. A failed load is tried again with the next latents. */
function previewerOf(model) {
  if (!previewers.has(model)) {
    const made = makePreviewer(model);
    previewers.set(model, made);
    made.catch(() => previewers.delete(model));
  }
  return previewers.get(model);
}

async function makePreviewer(model) {
  if (SMALL[model] === undefined) {
    throw new Error(`the page has no small decoder for latents of ${model}`);
  }
  const { Taesd, createPreviewer } = await import('./taesd.mjs');
  // On another thread, since this one draws ComfyUI's graph.
  const taesd = await Taesd.load({ ...(await SMALL[model]()), only: 'decoder', workers: 1 });
  return createPreviewer(taesd, {
    onFrame(picture, { step }) {
      const frame = frames.get(step);
      for (const number of frames.keys()) if (number <= step) frames.delete(number);
      if (isOn) panel.show(picture, frame);
    },
    onError: (error) => panel.fail(error),
  });
}
