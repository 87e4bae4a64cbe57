// node examples/resolutions.mjs --weights DIR [PICTURE.png]
// Decodes latents at 1/2, 1/4 and 1/8 in two ways: with `resolution`, and from latents that are
// scaled down first. Compares both with the whole picture scaled down, and prints PSNR and time of
// each, for each model. Writes out/resolutions.png for taesd: 1/2, 1/4 and 1/8 from the left; the
// whole picture scaled down, `resolution` and latents scaled down from the top. The picture
// defaults to the rendered one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { grid } from './panel.mjs';
import { renderPicture } from './render-picture.mjs';

const MODELS = ['taesd', 'taef1', 'taef2', 'nano'];
const PARTS = [2, 4, 8];
/** The side of the square of the whole picture that the panel shows, and where it begins. */
const SHOWN = { side: 256, x: 128, y: 0 };
const RUNS = 5;

const { values, positionals } = parseArgs({
  options: { weights: { type: 'string' } },
  allowPositionals: true,
});
const original = positionals.length > 0 ? decodePng(readFileSync(positionals[0])) : renderPicture();
const { width, height } = original;

const rows = [[], [], []];
for (const model of MODELS) {
  const weights = model === 'nano' ? {} : { weights: values.weights };
  const taesd = await Taesd.load({ model, workers: 0, ...weights });
  const latents = await taesd.encode(original);
  const whole = await taesd.decode(latents, { width, height });
  for (const part of PARTS) {
    const size = { width: Math.ceil(width / part), height: Math.ceil(height / part) };
    const wanted = meansOf(planesOf(whole), part);
    const small = meansOf(latents, part);
    const ways = [
      () => taesd.decode(latents, { width, height, resolution: 1 / part }),
      () => taesd.decode(small, size),
    ];
    const [full, ...times] = await timesOf([() => taesd.decode(latents), ...ways]);
    const pictures = await Promise.all(ways.map((way) => way()));
    const texts = pictures.map((picture, n) => {
      const decibels = psnr(planesOf(picture), wanted).toFixed(1);
      return `${decibels} dB in ${(times[n] / full).toFixed(2)} of the time`;
    });
    console.log(`${model} 1/${part}: ${texts[0]}; latents scaled down: ${texts[1]}`);
    if (model !== MODELS[0]) continue;
    const shown = [wanted, ...pictures.map(planesOf)];
    for (const [n, picture] of shown.entries()) rows[n].push(enlarged(picture, part));
  }
  taesd.dispose();
}

mkdirSync('out', { recursive: true });
// Each part is shown at half of the whole picture's size.
writeFileSync('out/resolutions.png', encodePng(grid(rows, SHOWN.side / 2, SHOWN.side / 2)));
console.log('out/resolutions.png');

/** Calls functions in turns. @returns the shortest time of each, in milliseconds */
async function timesOf(calls) {
  const times = calls.map(() => Infinity);
  for (let run = 0; run < RUNS; run++) {
    for (const [n, call] of calls.entries()) {
      const started = performance.now();
      await call();
      times[n] = Math.min(times[n], performance.now() - started);
    }
  }
  return times;
}

/** Returns red, green and blue of a picture as [1, 3, H, W]. */
function planesOf({ width, height, data }) {
  const planes = new Float32Array(3 * width * height);
  for (let i = 0; i < planes.length; i++) {
    planes[i] = data[4 * (i % (width * height)) + Math.floor(i / (width * height))];
  }
  return { shape: [1, 3, height, width], data: planes };
}

/** Returns the means of squares of `side`×`side` numbers; at the edges, of the numbers there. */
function meansOf({ shape: [, channels, height, width], data }, side) {
  const shape = [1, channels, Math.ceil(height / side), Math.ceil(width / side)];
  const means = new Float32Array(channels * shape[2] * shape[3]);
  const counts = new Float32Array(means.length);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / (height * width));
    const y = Math.floor((Math.floor(i / width) % height) / side);
    const to = (channel * shape[2] + y) * shape[3] + Math.floor((i % width) / side);
    means[to] += data[i];
    counts[to]++;
  }
  return { shape, data: means.map((sum, i) => sum / counts[i]) };
}

function psnr({ data }, wanted) {
  const sum = data.reduce((total, value, i) => total + (value - wanted.data[i]) ** 2, 0);
  return 10 * Math.log10((255 ** 2 * data.length) / sum);
}

/** Returns the colours of a part of the panel: the picture with larger pixels. */
function enlarged({ shape: [, , height, width], data }, part) {
  return (x, y) => {
    const column = Math.floor((SHOWN.x + 2 * x) / part);
    const row = Math.floor((SHOWN.y + 2 * y) / part);
    return [0, 1, 2].map((c) => Math.round(data[(c * height + row) * width + column]));
  };
}
