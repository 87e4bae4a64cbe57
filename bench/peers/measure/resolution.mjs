// A decode at half the resolution beside a decode of the whole picture: 512², f32, one thread, in
// turns. There are two ways. `resolution: 1/2` leaves out the last upsampling. A caller can also
// halve the latents before they are decoded.
import { readFileSync } from 'node:fs';
import { Taesd } from '../../../dist/index.js';
import { median } from '../../machine.mjs';
import { goldenTrip, weightsUrl } from '../shared.mjs';

/**
 * @returns { full, leftOut, shrunk }, each { ms: the median, runs }, and for the two ways
 *   `decibels`: the PSNR against the whole picture scaled down
 */
export async function measureResolution({ runs, progress }) {
  const { input: latents, output: golden } = goldenTrip().decoder;
  const decoder = readFileSync(weightsUrl('decoder'));
  const options = { only: 'decoder', precision: 'f32', workers: 0 };
  const taesd = await Taesd.load({ weights: { decoder }, ...options });
  const small = halved(latents);
  const ways = {
    full: () => taesd.decode(latents, { output: 'tensor' }),
    leftOut: () => taesd.decode(latents, { output: 'tensor', resolution: 1 / 2 }),
    shrunk: () => taesd.decode(small, { output: 'tensor' }),
  };
  const results = {};
  const wanted = halved(clamped(golden));
  for (const [name, run] of Object.entries(ways)) {
    progress(`resolution 1/2: ${name}, first runs`);
    // Two runs are not timed. The first makes a network; then compilers and allocators settle.
    await run();
    results[name] = { ms: 0, runs: [] };
    const { data } = clamped(await run());
    if (name !== 'full') results[name].decibels = psnr(data, wanted.data);
  }
  for (let round = 1; round <= 3 * runs; round++) {
    progress(`resolution 1/2: round ${round} of ${3 * runs}`);
    for (const [name, run] of Object.entries(ways)) {
      const started = performance.now();
      await run();
      results[name].runs.push(performance.now() - started);
    }
  }
  for (const result of Object.values(results)) result.ms = median(result.runs);
  taesd.dispose();
  return results;
}

/** Returns the means of 2×2 numbers of [1, C, H, W]. */
function halved({ shape: [, channels, height, width], data }) {
  const shape = [1, channels, height / 2, width / 2];
  const means = new Float32Array(data.length / 4);
  for (let i = 0; i < means.length; i++) {
    const row = Math.floor(i / shape[3]);
    const at = 2 * (row * width + (i % shape[3]));
    means[i] = (data[at] + data[at + 1] + data[at + width] + data[at + width + 1]) / 4;
  }
  return { shape, data: means };
}

const clamped = ({ shape, data }) => ({
  shape,
  data: data.map((value) => Math.min(Math.max(value, 0), 1)),
});

const psnr = (a, b) =>
  -10 * Math.log10(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
