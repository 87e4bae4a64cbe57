// node examples/preview.mjs [--weights DIR]
// Watches a diffusion model at work: `dream`, which paints a landscape. Its step callback hands the
// noisy sample and the model's velocity to a previewer, which decodes the picture that the model
// predicts. It shows the latest and drops stale ones while the loop goes on. It decodes with taesd
// if --weights is given, otherwise with nano. Writes out/preview.png: a few of the pictures, from
// the first guess to the end.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd, TaesdError } from 'taesd-wasm';
import { encodePng } from 'taesd-wasm/png';
import { createPreviewer } from 'taesd-wasm/preview';
import { loadDream } from './dream/dream.mjs';
import { grid, shrunk } from './panel.mjs';

const WEIGHTS = new URL('../weights/dream/dream.safetensors', import.meta.url);
const STEPS = 24;
/** The number of pictures in the strip, each at half of its size. */
const SHOWN = 6;
const SHRINK = 2;

async function main() {
  const { values } = parseArgs({ options: { weights: { type: 'string' } } });
  // nano is made for previews. One worker decodes them beside the loop's own thread.
  const model = values.weights === undefined ? 'nano' : 'taesd';
  const taesd = await Taesd.load({ model, weights: values.weights, only: 'decoder', workers: 1 });
  const dream = await loadDream(readFileSync(WEIGHTS));

  const frames = [];
  const previewer = createPreviewer(taesd, {
    onFrame(picture, { step, elapsedMs, dropped }) {
      frames.push(picture);
      const after = dropped > 0 ? `, ${dropped} dropped before it` : '';
      console.log(`step ${`${step}`.padStart(2)}: ${elapsedMs.toFixed(0)} ms${after}`);
    },
  });
  // A library's step callback. The loop does not wait for the pictures.
  await dream.generate({
    seed: 7,
    wanted: { time: 'dusk', place: 'lake' },
    steps: STEPS,
    onStep({ step, sample, output, sigma }) {
      previewer.push(sample, { step, output, prediction: 'flow', sigma });
    },
  });
  await previewer.idle();
  taesd.dispose();
  dream.dispose();

  console.log(
    `model ${taesd.info.model}, ${STEPS} steps: ${frames.length} shown, ${previewer.dropped} dropped`,
  );
  mkdirSync('out', { recursive: true });
  const count = Math.min(SHOWN, frames.length);
  const chosen = Array.from(
    { length: count },
    (_, n) => frames[count === 1 ? 0 : Math.round((n * (frames.length - 1)) / (count - 1))],
  );
  const [width, height] = [frames[0].width / SHRINK, frames[0].height / SHRINK];
  const parts = chosen.map((picture) => shrunk(picture, 4, SHRINK));
  writeFileSync('out/preview.png', encodePng(grid([parts], width, height)));
  console.log('out/preview.png: from the first guess to the picture');
}

try {
  await main();
} catch (error) {
  const isMisused = String(error?.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof TaesdError) && !isMisused) throw error;
  console.error(`${error.message}\n\n  node examples/preview.mjs [--weights DIR]`);
  process.exitCode = 1;
}
