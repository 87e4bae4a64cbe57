// The part of previews.mjs that runs in the browser.
import { answerQuestions } from '/bench/webgpu/answer.mjs';
import { Taesd } from '/dist/index.js';
import { nano } from '/dist/nano.js';
import { createPreviewer } from '/dist/preview/index.js';

const SIDE = 512;
let taesd;

answerQuestions({
  async start(workers) {
    taesd = await Taesd.load({ ...nano(), precision: 'fast', workers });
    if (taesd.info.workers !== workers) throw new Error(taesd.info.workersReason ?? 'no workers');
    await pictures(500);
  },
  /** @returns pictures a second, over so many milliseconds */
  previews: pictures,
});

/** Pushes latents, draws their picture, pushes the next, until the time is over. */
async function pictures(ms) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  document.body.replaceChildren(canvas);
  const context = canvas.getContext('2d');
  const latents = [0, 1].map(latentsOf);
  const started = performance.now();
  let shown = 0;
  const previewer = createPreviewer(taesd, {
    onFrame({ data, width, height }) {
      context.putImageData(new ImageData(data, width, height), 0, 0);
      shown++;
      if (performance.now() - started < ms) previewer.push(latents[shown % 2]);
    },
  });
  previewer.push(latents[0]);
  await previewer.idle();
  return (1000 * shown) / (performance.now() - started);
}

function latentsOf(phase) {
  const side = SIDE / 8;
  const data = Float32Array.from({ length: 4 * side ** 2 }, (_, i) => 2 * Math.sin(phase + i / 7));
  return { shape: [1, 4, side, side], data };
}
