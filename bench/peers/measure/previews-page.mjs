// The part of previews.mjs that runs in the browser.
import { answerQuestions } from '/bench/webgpu/answer.mjs';
import { Taesd } from '/dist/index.js';
import { nano } from '/dist/nano.js';
import { createPreviewer } from '/dist/preview/index.js';

const SIDE = 512;
/** The interval of a loop's pushes: newer latents wait whenever a picture is done. */
const PUSH_MS = 4;
/** The first pictures are not counted: V8 compiles the kernels anew. */
const WARM_UP_MS = 500;

/** The instances of each way, by its name. */
const loaded = new Map();

answerQuestions({
  /** @param workers  the number of workers of each instance */
  async start(way, workers) {
    const instances = [];
    for (const count of workers) {
      const taesd = await Taesd.load({ ...nano(), precision: 'fast', workers: count });
      if (taesd.info.workers !== count) throw new Error(taesd.info.workersReason ?? 'no workers');
      instances.push(taesd);
    }
    loaded.set(way, instances);
    await pictures(way, WARM_UP_MS);
  },
  /** @returns pictures a second */
  previews: pictures,
});

async function pictures(way, ms) {
  const instances = loaded.get(way);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  document.body.replaceChildren(canvas);
  const context = canvas.getContext('2d');
  const latents = [0, 1].map(latentsOf);
  let shown = 0;
  const previewer = createPreviewer(instances.length === 1 ? instances[0] : instances, {
    onFrame({ data, width, height }) {
      context.putImageData(new ImageData(data, width, height), 0, 0);
      shown++;
    },
  });
  const started = performance.now();
  let pushed = 0;
  const loop = setInterval(() => previewer.push(latents[pushed++ % 2]), PUSH_MS);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const elapsedMs = performance.now() - started;
  const pictures = shown;
  clearInterval(loop);
  await previewer.idle();
  return (1000 * pictures) / elapsedMs;
}

function latentsOf(phase) {
  const side = SIDE / 8;
  const data = Float32Array.from({ length: 4 * side ** 2 }, (_, i) => 2 * Math.sin(phase + i / 7));
  return { shape: [1, 4, side, side], data };
}
