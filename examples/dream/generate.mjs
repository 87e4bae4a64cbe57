// node examples/dream/generate.mjs [--time T] [--place P] [--weather W] [--season S] [--seed N]
//   [--steps N] [--guidance G] [-o picture.png] [--frames sheet.png]
// Paints a landscape of 256×256 with `dream`, a small diffusion model in the latents of nano. A
// label that is left out is left open. With --frames it also writes the picture that the model
// predicts at each step, from left to right. One seed gives the same bytes on every machine.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd, TaesdError } from 'taesd-wasm';
import { encodePng } from 'taesd-wasm/png';
import { createPreviewer } from 'taesd-wasm/preview';
import { grid, shrunk } from '../panel.mjs';
import { loadDream } from './dream.mjs';

const WEIGHTS = new URL('../../weights/dream/dream.safetensors', import.meta.url);
const USAGE = `
  node examples/dream/generate.mjs [--time dawn|day|dusk|night] [-o picture.png]
    [--place meadow|lake|mountains|city|forest|coast] [--weather clear|clouds|fog]
    [--season spring|summer|autumn|winter] [--seed 0] [--steps 20] [--guidance 2]
    [--frames sheet.png]`;
/** The columns of the sheet of frames. */
const COLUMNS = 5;

async function main() {
  const { values } = parseArgs({
    options: {
      time: { type: 'string' },
      place: { type: 'string' },
      weather: { type: 'string' },
      season: { type: 'string' },
      seed: { type: 'string', default: '0' },
      steps: { type: 'string', default: '20' },
      guidance: { type: 'string', default: '2' },
      frames: { type: 'string' },
      out: { type: 'string', short: 'o', default: 'picture.png' },
    },
  });
  const { time, place, weather, season } = values;
  const labels = Object.entries({ time, place, weather, season });
  const wanted = Object.fromEntries(labels.filter(([, value]) => value !== undefined));
  const request = {
    wanted,
    seed: numberOf(values, 'seed', { min: 0, max: 2 ** 32 - 1, isWhole: true }),
    steps: numberOf(values, 'steps', { min: 1, max: 1000, isWhole: true }),
    guidance: numberOf(values, 'guidance', { min: 0, max: 100 }),
  };

  const started = performance.now();
  const dream = await loadDream(readFileSync(WEIGHTS));
  const taesd = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const frames = [];
  const previewer = createPreviewer(taesd, { onFrame: (picture) => void frames.push(picture) });
  const onStep = async ({ step, sample, output, sigma }) => {
    if (process.stderr.isTTY) process.stderr.write(`\rstep ${step + 1} of ${request.steps}`);
    if (values.frames === undefined) return;
    previewer.push(sample, { step, output, prediction: 'flow', sigma });
    // A page would not wait, and would drop frames that are out of date. The sheet has them all.
    await previewer.idle();
  };
  const latents = await dream.generate({ ...request, onStep });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const picture = await taesd.decode(latents);
  writeFileSync(values.out, encodePng(picture));
  const seconds = (performance.now() - started) / 1000;
  const what = labels.map(([name, value]) => `${name} ${value ?? 'open'}`).join(', ');
  console.log(`${values.out}: ${what}, seed ${request.seed}; ${seconds.toFixed(1)} s`);
  if (values.frames !== undefined) {
    writeFileSync(values.frames, encodePng(sheet(frames)));
    console.log(`${values.frames}: the picture that each of ${frames.length} steps predicts`);
  }
  taesd.dispose();
  dream.dispose();
}

/** Returns the frames at half their size, in rows. */
function sheet(frames) {
  const [width, height] = [frames[0].width / 2, frames[0].height / 2];
  const parts = frames.map((frame) => shrunk(frame, 4, 2));
  const white = () => [255, 255, 255];
  while (parts.length % COLUMNS !== 0 && parts.length > COLUMNS) parts.push(white);
  const rows = [];
  for (let n = 0; n < parts.length; n += COLUMNS) rows.push(parts.slice(n, n + COLUMNS));
  return grid(rows, width, height);
}

function numberOf(values, name, { min, max, isWhole = false }) {
  const value = Number(values[name]);
  const isRight = isWhole ? Number.isInteger(value) : Number.isFinite(value);
  if (values[name].trim() !== '' && isRight && value >= min && value <= max) return value;
  const kind = isWhole ? 'a whole number' : 'a number';
  throw new RangeError(`--${name} expected ${kind} from ${min} to ${max}, got ${values[name]}`);
}

try {
  await main();
} catch (error) {
  const isMisused = String(error?.code).startsWith('ERR_PARSE_ARGS') || error instanceof RangeError;
  if (!(error instanceof TaesdError) && !isMisused && error?.syscall === undefined) throw error;
  console.error(isMisused ? `${error.message}\n${USAGE}` : error.message);
  process.exitCode = isMisused ? 2 : 1;
}
