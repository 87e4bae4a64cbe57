// node examples/preview.mjs [--weights DIR]
// Watches a sampler at work. Its step callback hands the noisy sample and the model's output to a
// previewer, which decodes the picture the model predicts. It shows the latest and drops stale ones
// while the loop goes on: with taesd if --weights is given, otherwise with nano. Writes
// out/preview.png: a few of the pictures, from the first guess to the end.
//
// The model is a toy: a diffusion model would guess the picture from the noise. The toy knows it
// and blurs it by the amount of noise. The noise, the schedule and Euler's steps are those of a
// real sampler.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd, TaesdError } from 'taesd-wasm';
import { encodePng } from 'taesd-wasm/png';
import { createPreviewer } from 'taesd-wasm/preview';
import { grid, shrunk } from './panel.mjs';
import { renderPicture } from './render-picture.mjs';

const STEPS = 24;
/**
 * The time of a fast diffusion model's step. It is shorter than decoding, so some latents go stale.
 */
const STEP_MS = 30;
/** Stable Diffusion's noise at the first and last step, as multiples of the latents' own spread. */
const SIGMA = { first: 14.6, last: 0.03 };
/** The number of pictures in the strip, each at a quarter of its size. */
const SHOWN = 6;
const SHRINK = 4;

async function main() {
  const { values } = parseArgs({ options: { weights: { type: 'string' } } });
  // nano is made for previews. One worker decodes them beside the loop's own thread.
  const model = values.weights === undefined ? 'nano' : 'taesd';
  const taesd = await Taesd.load({ model, weights: values.weights, workers: 1 });
  const original = await taesd.encode(renderPicture());

  const frames = [];
  const previewer = createPreviewer(taesd, {
    onFrame(picture, { step, elapsedMs, dropped }) {
      frames.push(picture);
      const after = dropped > 0 ? `, ${dropped} dropped before it` : '';
      console.log(`step ${`${step}`.padStart(2)}: ${elapsedMs.toFixed(0)} ms${after}`);
    },
  });
  // A library's step callback: it gets the step and two tensors. The loop waits until it returns.
  await sample(original, (step, sigma, x, noise) =>
    previewer.push(x, { step, output: noise, prediction: 'epsilon', sigma }),
  );
  await previewer.idle();
  taesd.dispose();

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

/**
 * Runs Euler's method from noise to latents. `onStep` gets the noise's spread, the latents and the
 * noise in them that the model predicts, in buffers that every step overwrites, as samplers do.
 */
async function sample({ shape, data: wanted }, onStep) {
  const sigmas = Array.from({ length: STEPS }, (_, n) => {
    const part = n / (STEPS - 1);
    return SIGMA.first ** (1 - part) * SIGMA.last ** part;
  });
  const gaussian = seededGaussian(1);
  const x = wanted.map((value) => value + gaussian() * sigmas[0]);
  const noise = new Float32Array(x.length);
  for (const [step, sigma] of sigmas.entries()) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const guess = blurred(wanted, shape, Math.round(sigma));
    for (let i = 0; i < x.length; i++) noise[i] = (x[i] - guess[i]) / sigma;
    onStep(step, sigma, { data: x, dims: shape }, { data: noise, dims: shape });
    const next = sigmas[step + 1] ?? 0;
    for (let i = 0; i < x.length; i++) x[i] += noise[i] * (next - sigma);
  }
}

/** Returns latents [1, C, h, w] of which each is the mean of those at most `radius` away. */
function blurred(data, [, , height, width], radius) {
  const along = (values, size, stride) =>
    values.map((_, i) => {
      const at = Math.floor(i / stride) % size;
      const first = Math.max(at - radius, 0);
      const last = Math.min(at + radius, size - 1);
      let sum = 0;
      for (let k = first; k <= last; k++) sum += values[i + (k - at) * stride];
      return sum / (last - first + 1);
    });
  return along(along(data, width, 1), height, width);
}

/**
 * Returns a source of normal numbers that repeats in every run: Box and Muller's, on Mulberry32.
 */
function seededGaussian(seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

try {
  await main();
} catch (error) {
  const isMisused = String(error?.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof TaesdError) && !isMisused) throw error;
  console.error(`${error.message}\n\n  node examples/preview.mjs [--weights DIR]`);
  process.exitCode = 1;
}
