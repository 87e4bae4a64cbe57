import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noise } from '../../examples/dream/noise.mjs';
import { decodePng } from '../../src/png/index.ts';
import { predictOriginal } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { keeping } from '../preview/keeping.ts';
import { DREAM_BYTES, dreamOf, PINNED, PINNED_LATENTS, PINNED_PICTURE, sha256 } from './loaded.ts';

/*
 * `dream`, the small diffusion model of weights/dream, and the previewer in its loop.
 */

const GENERATE = fileURLToPath(new URL('../../examples/dream/generate.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'taesd-dream-'));
afterAll(() => rmSync(folder, { recursive: true }));

let dream: Awaited<ReturnType<typeof dreamOf>>;
let nano: Taesd;
beforeAll(async () => {
  dream = await dreamOf();
  nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
});

test('dream.safetensors → at most 2 MB', () => {
  console.log(`dream.safetensors: ${(DREAM_BYTES.length / 1e6).toFixed(2)} of 2 MB`);
  expect(DREAM_BYTES.length).toBeLessThanOrEqual(2e6);
});

test('noise → mean 0, spread 1, equal for equal seeds, seeds unlike each other', () => {
  const [some, again, other] = [noise(7, 40_000), noise(7, 40_000), noise(8, 40_000)];
  const mean = (values: Float64Array) => values.reduce((a, b) => a + b) / values.length;
  expect(Math.abs(mean(some))).toBeLessThan(0.02);
  expect(mean(some.map((value) => value ** 2))).toBeCloseTo(1, 1);
  expect(some).toEqual(again);
  expect(Math.abs(mean(some.map((value, i) => value * other[i])))).toBeLessThan(0.02);
});

test('generate: a seed and labels → the pinned bytes, whatever else the network ran', async () => {
  await dream.generate({ seed: 3, steps: 2 });
  const latents = await dream.generate(PINNED);
  const picture = await nano.decode(latents);
  expect([latents.shape, picture.width, picture.height]).toEqual([[1, 4, 32, 32], 256, 256]);
  expect(sha256(latents.data)).toBe(PINNED_LATENTS);
  expect(sha256(picture.data)).toBe(PINNED_PICTURE);
});

test('generate: another seed, another place, no guidance → other latents', async () => {
  const request = { ...PINNED, steps: 3 };
  const all = await Promise.all([
    dream.generate(request),
    dream.generate({ ...request, seed: 8 }),
    dream.generate({ ...request, wanted: { time: 'dusk', place: 'city' } }),
    dream.generate({ ...request, guidance: 1 }),
  ]);
  expect(new Set(all.map(({ data }) => sha256(data))).size).toBe(4);
});

test.each([
  [{ time: 'noon' }, 'time expected dawn, day, dusk, night, got noon'],
  [{ mood: 'calm' }, 'a label expected time, place, weather, season, got mood'],
])('generate: %j → RangeError', async (wanted, message) => {
  await expect(dream.generate({ wanted })).rejects.toEqual(new RangeError(message));
});

test('predictOriginal in its loop → pictures that come nearer to the last one', async () => {
  const predicted: Float32Array[] = [];
  const latents = await dream.generate({
    ...PINNED,
    onStep: async ({ sample, output, sigma }) => {
      const options = { prediction: 'flow', sigma } as const;
      predicted.push((await predictOriginal(sample, output, options)).data);
    },
  });
  const off = predicted.map((data) =>
    Math.sqrt(data.reduce((sum, x, i) => sum + (x - latents.data[i]) ** 2, 0) / data.length),
  );
  console.log('distance of the predicted latents:', off.map((x) => x.toFixed(2)).join(' '));
  expect(off.length).toBe(20);
  for (let step = 4; step < 20; step += 4) expect(off[step]).toBeLessThan(off[step - 4]);
  expect(off[19]).toBeLessThan(0.1);
});

test('a previewer in its loop that waits → each step, as decode gives it', async () => {
  const { previewer, shown, errors } = keeping(nano);
  const wanted: object[] = [];
  await dream.generate({
    ...PINNED,
    steps: 5,
    onStep: async ({ step, sample, output, sigma }) => {
      const original = await predictOriginal(sample, output, { prediction: 'flow', sigma });
      wanted.push(await nano.decode(original));
      previewer.push(sample, { step, output, prediction: 'flow', sigma });
      await previewer.idle();
    },
  });
  expect(errors).toEqual([]);
  expect(shown.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
  expect(shown.map(({ picture }) => picture)).toEqual(wanted);
});

test('a previewer in its loop that does not wait → in order, the last among them', async () => {
  const { previewer, shown, errors } = keeping(nano);
  await dream.generate({
    ...PINNED,
    onStep({ step, sample, output, sigma }) {
      previewer.push(sample, { step, output, prediction: 'flow', sigma });
    },
  });
  await previewer.idle();
  expect(errors).toEqual([]);
  const steps = shown.map(({ step }) => step ?? -1);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(steps.at(-1)).toBe(19);
  expect(steps.length + previewer.dropped).toBe(20);
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, [GENERATE, ...args], { encoding: 'utf8', cwd: folder });

test('generate.mjs --frames → the pinned picture, and a sheet of every step', () => {
  const labels = ['--time', 'dusk', '--place', 'lake', '--seed', '7'];
  const { status, stdout } = run(...labels, '-o', 'out.png', '--frames', 'sheet.png');
  expect(stdout).toMatch(
    /^out\.png: time dusk, place lake, weather open, season open, seed 7; [\d.]+ s\nsheet\.png: /,
  );
  expect(status).toBe(0);
  const picture = decodePng(readFileSync(join(folder, 'out.png')));
  expect(sha256(picture.data)).toBe(PINNED_PICTURE);
  const { width, height } = decodePng(readFileSync(join(folder, 'sheet.png')));
  expect([width, height]).toEqual([5 * 136 - 8, 4 * 136 - 8]);
});

test.each([
  [['--time', 'noon'], 'time expected dawn, day, dusk, night, got noon'],
  [['--seed', '-1'], '--seed expected a whole number from 0 to 4294967295, got -1'],
  [['--steps', '2.5'], '--steps expected a whole number from 1 to 1000, got 2.5'],
])('generate.mjs %j → a sentence, the usage, exit 2', (args, message) => {
  const [flag, value] = args;
  const { status, stderr } = run(`${flag}=${value}`);
  expect(status).toBe(2);
  expect(stderr).toContain(`${message}\n\n  node examples/dream/generate.mjs`);
});
