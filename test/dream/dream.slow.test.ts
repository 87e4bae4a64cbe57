import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { noise } from '../../examples/dream/noise.mjs';
import type { Picture } from '../../src/options/types.ts';
import { Taesd } from '../../src/taesd.ts';
import { dreamOf, meanColour } from './loaded.ts';

/*
 * The pictures of `dream`: their colours show the labels, and they have no grid of the latents'
 * 8 pixels. Its loop gives the latents of the one in PyTorch, which trained it.
 */

const TIMES = ['dawn', 'day', 'dusk', 'night'];
const PLACES = ['meadow', 'lake', 'mountains', 'city', 'forest', 'coast'];

/** Colour from −180° to 180°: 0 red, 60 yellow, 120 green, −120 blue. */
function hue({ red, green, blue }: { red: number; green: number; blue: number }): number {
  const degrees = Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue);
  return (degrees * 180) / Math.PI;
}

/** The mean step from a column or row to the next where a new latent begins, over all others. */
function gridOf({ width, height, data }: Picture): number {
  const sums = [0, 0];
  const counts = [0, 0];
  for (let y = 8; y < height; y++) {
    for (let x = 8; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const at = 4 * (y * width + x) + c;
        const across = Number(x % 8 === 0);
        sums[across] += Math.abs(data[at] - data[at - 4]);
        counts[across]++;
        const down = Number(y % 8 === 0);
        sums[down] += Math.abs(data[at] - data[at - 4 * width]);
        counts[down]++;
      }
    }
  }
  return sums[1] / counts[1] / (sums[0] / counts[0]);
}

test('64 pictures, 16 of each time of day → told apart by luminance and hue, no grid', async () => {
  const dream = await dreamOf();
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const found: { time: string; luminance: number; hue: number; grid: number }[] = [];
  for (let seed = 0; seed < 64; seed++) {
    const time = TIMES[seed % 4];
    const wanted = { time, place: PLACES[(seed >> 2) % 6] };
    const picture = await nano.decode(await dream.generate({ seed, wanted }));
    const mean = meanColour(picture, 0, picture.height);
    found.push({ time, luminance: mean.luminance, hue: hue(mean), grid: gridOf(picture) });
  }
  const byTime = TIMES.map((time) => found.filter((one) => one.time === time));
  for (const [n, some] of byTime.entries()) {
    const values = (name: 'luminance' | 'hue') =>
      some.map((one) => one[name]).sort((a, b) => a - b);
    const [light, colours] = [values('luminance'), values('hue')];
    console.log(
      `${TIMES[n]}: luminance ${light[0].toFixed(0)} to ${light[15].toFixed(0)}, ` +
        `hue ${colours.map((x) => x.toFixed(0)).join(' ')}`,
    );
  }
  const grid = found.reduce((sum, one) => sum + one.grid, 0) / found.length;
  console.log(`steps at the latents’ borders: ${grid.toFixed(3)} of those elsewhere`);
  expect(grid).toBeLessThan(1.1);
  const [dawn, day, dusk, night] = byTime;
  const told = [
    ...night.map((one) => one.luminance < 85),
    ...dusk.map((one) => one.luminance > 85 && one.luminance < 147 && Math.abs(one.hue) < 60),
    ...day.map((one) => one.luminance > 147 && (one.hue < -120 || one.hue > 90)),
    ...dawn.map((one) => one.luminance > 147 && one.hue > -120 && one.hue < 90),
  ].filter(Boolean).length;
  console.log(`${told} of 64 told apart`);
  expect(told).toBeGreaterThanOrEqual(60);
});

test('32 pictures of summer and winter, seed by seed → winter is paler, summer greener', async () => {
  const dream = await dreamOf();
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const painted = async (seed: number, more: object) => {
    const wanted = { time: 'day', place: PLACES[seed % 6], ...more };
    return nano.decode(await dream.generate({ seed, wanted, steps: 10 }));
  };
  const ground = (picture: Picture) => meanColour(picture, 160, 256);
  let paler = 0;
  let greener = 0;
  for (let seed = 100; seed < 116; seed++) {
    const [summer, winter] = [
      ground(await painted(seed, { season: 'summer' })),
      ground(await painted(seed, { season: 'winter' })),
    ];
    paler += Number(winter.luminance > summer.luminance);
    greener += Number(summer.green - summer.blue > winter.green - winter.blue);
  }
  console.log(`winter is paler in ${paler} of 16, summer greener in ${greener} of 16`);
  expect(paler).toBeGreaterThanOrEqual(14);
  // A coin would reach 12 once in 26 times.
  expect(greener).toBeGreaterThanOrEqual(12);
});

test('generate [10 steps] → the latents of weights/dream/model.py in PyTorch, within 1e-4', async ({
  skip,
}) => {
  const python = '/usr/bin/python3';
  const has = spawnSync(python, ['-c', 'import torch, numpy, PIL']).status === 0;
  if (!has && process.env.CI) throw new Error(`${python} lacks torch, and CI must not skip this`);
  if (!has) skip(`${python} lacks torch, numpy or PIL`);
  const folder = mkdtempSync(join(tmpdir(), 'taesd-dream-'));
  try {
    const path = (name: string) => join(folder, name);
    writeFileSync(path('noise.f32'), Float32Array.from(noise(7, 4096)));
    const script = fileURLToPath(new URL('same-noise.py', import.meta.url));
    const { status, stderr } = spawnSync(python, [script, folder], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const wanted = new Float32Array(new Uint8Array(readFileSync(path('latents.f32'))).buffer);
    const dream = await dreamOf();
    const request = { seed: 7, wanted: { time: 'dusk', place: 'lake' }, steps: 10 };
    const { data } = await dream.generate(request);
    const off = data.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i])), 0);
    console.log(`largest difference from PyTorch: ${off.toExponential(1)}`);
    expect(wanted.length).toBe(4096);
    expect(off).toBeLessThan(1e-4);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
