// The calls of the soak. Each returns undefined if its result is right, or the fault.
import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { decodeLatentPng, encodeLatentPng } from 'taesd-wasm/latent-file';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { createPreviewer } from 'taesd-wasm/preview';

const SHARED = new URL('../../../shared/weights/', import.meta.url);
/** The latents' height and width: one group of columns, odd sizes, enough for workers. */
const SIZES = [
  [1, 1],
  [5, 9],
  [16, 16],
  [48, 64],
];

/**
 * @param {object} options
 * @param {number} options.workers
 * @param {() => number} options.random
 * @param {AbortSignal} options.signal  a signal that never fires
 * @returns the calls, the instances that live as long as the process, and their names
 */
export async function makeCalls({ workers, random, signal }) {
  const loads = await loadOptions(workers);
  const instances = await Promise.all(loads.map((options) => Taesd.load(options)));
  const rigs = [];
  for (const taesd of instances) rigs.push(await rigOf(taesd, random));
  const pick = (list) => list[Math.floor(random() * list.length)];
  const each = (run) => () => {
    const rig = pick(rigs);
    return run(rig, pick(rig.trips));
  };
  /** An instance for one call, so that it can be disposed in the middle. */
  const ofItsOwn = () => Taesd.load({ ...loads[0], workers: pick([0, workers]) });
  const calls = Object.entries({
    decode: each(async ({ taesd }, { latents, picture }) =>
      differs(await taesd.decode(latents, { signal }), picture),
    ),
    encode: each(async ({ taesd }, { picture, encoded }) =>
      differs(await taesd.encode(picture, { signal }), encoded),
    ),
    rows: each(async ({ taesd }, { latents, picture }) => {
      const data = new Uint8ClampedArray(picture.data.length);
      for await (const rows of taesd.decodeRows(latents, { signal })) {
        data.set(rows.data, 4 * rows.width * rows.y);
      }
      return differs(data, picture.data);
    }),
    'rows left': each(async ({ taesd }, { latents }) => {
      for await (const { y } of taesd.decodeRows(latents, { signal })) {
        return y === 0 ? undefined : `first rows at ${y}`;
      }
      return 'no rows';
    }),
    cancelled: each(async ({ taesd }, { latents, picture }) => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(pick(['enough', undefined, 5])), 30 * random());
      const call = taesd.decode(latents, { signal: AbortSignal.any([stop.signal, signal]) });
      const got = await call.catch((error) => error);
      clearTimeout(timer);
      return got instanceof Error ? isCode(got, 'ABORTED') : differs(got, picture);
    }),
    'at once': each(async ({ taesd }, { latents, picture }) => {
      const calls = [taesd.decode(latents), taesd.encode({}).catch(() => 'ARG')];
      calls.push(taesd.decode(latents, { signal }));
      const [first, refused, last] = await Promise.all(calls);
      return refused === 'ARG' ? differs([first, last], [picture, picture]) : `got ${refused}`;
    }),
    'bad input': each(async ({ taesd }, { latents, picture }) => {
      const [code, call] = pick(badInput(taesd, latents, picture));
      return isCode(await call().catch((error) => error), code);
    }),
    'callback throws': each(async ({ taesd }, { latents }) => {
      const own = new RangeError('own');
      const onProgress = () => {
        throw own;
      };
      const got = await taesd.decode(latents, { onProgress }).catch((error) => error);
      return got === own ? undefined : `got ${got}`;
    }),
    steps: each(async ({ taesd }, { latents }) => {
      const stopAt = Math.floor(random() * 6);
      for await (const { index } of taesd.steps(latents, { signal })) if (index === stopAt) return;
      return 'no such step';
    }),
    preview: each(async ({ taesd }, { latents, picture }) => {
      const shown = [];
      const onFrame = ({ data }, { step }) => shown.push([step, data]);
      const previewer = createPreviewer(taesd, { onFrame });
      for (let step = 0; step < 5; step++) previewer.push(latents, step);
      await previewer.idle();
      previewer.stop();
      const [step, data] = shown.at(-1) ?? [];
      return step === 4 ? differs(data, picture.data) : `the last picture is of step ${step}`;
    }),
    'files of latents': each(async (_, { latents, encoded }) => {
      const file = encodeLatentPng({ latents: encoded, model: 'taesd' });
      return differs(decodeLatentPng(file).latents.shape, latents.shape);
    }),
    png: each(async (_, { picture }) =>
      differs(decodePng(encodePng(picture)).data, new Uint8Array(picture.data)),
    ),
    'broken png': each(async (_, { picture }) => {
      const file = encodePng(picture);
      const at = Math.floor(random() * file.length);
      const cut = pick([file.subarray(0, at), file.with?.(at, file[at] ^ 255) ?? new Uint8Array()]);
      try {
        // A file may lack the end that holds no pixels.
        return differs(decodePng(cut).data, new Uint8Array(picture.data));
      } catch (error) {
        return error?.name === 'TaesdError' ? undefined : `got ${error}`;
      }
    }),
    disposed: async () => {
      const taesd = await ofItsOwn();
      const { latents } = pick(rigs[0].trips);
      const calls = [taesd.decode(latents), taesd.decode(latents)];
      const settled = Promise.allSettled(calls);
      taesd.dispose();
      const [, second] = await settled;
      return isCode(second.reason, 'ARG') ?? freed(taesd);
    },
    'abandoned loop': async () => {
      const taesd = await ofItsOwn();
      const { latents } = pick(rigs[0].trips);
      await taesd.decodeRows(latents, { signal }).next();
      const behind = taesd.decode(latents, { signal }).catch((error) => error);
      taesd.dispose();
      return isCode(await behind, 'ARG') ?? freed(taesd);
    },
  });
  return { calls, instances, models: loads.map(({ model, precision }) => `${model} ${precision}`) };
}

/** Returns the options of `load` for each instance: nano, and taesd if its weights are at hand. */
async function loadOptions(workers) {
  const nano = { model: 'nano', precision: 'f32', workers };
  const urls = ['encoder', 'decoder'].map((half) => new URL(`taesd_${half}.safetensors`, SHARED));
  if (!urls.every((url) => existsSync(url))) {
    if (process.env.CI) throw new Error(`${SHARED.pathname} expected the real weights, got none`);
    return [nano];
  }
  const [encoder, decoder] = urls.map((url) => new Uint8Array(readFileSync(url)));
  const real = { model: 'taesd', weights: { encoder, decoder }, workers };
  return [nano, { ...real, precision: 'f32' }, { ...real, precision: 'fast' }];
}

/** Makes latents of each size with the results that later calls must repeat. */
async function rigOf(taesd, random) {
  const trips = [];
  for (const [height, width] of SIZES) {
    const data = Float32Array.from({ length: 4 * height * width }, () => 2 * random() - 1);
    const latents = { shape: [1, 4, height, width], data };
    const picture = await taesd.decode(latents);
    trips.push({ latents, picture, encoded: await taesd.encode(picture) });
  }
  return { taesd, trips };
}

/** Calls that must fail, each with its code. */
const badInput = (taesd, { shape, data }, picture) => [
  ['SHAPE', () => taesd.decode({ shape: [1, 3, ...shape.slice(2)], data: data.slice(0, -1) })],
  ['NONFINITE', () => taesd.decode({ shape, data: data.map(() => Number.NaN) })],
  ['ARG', () => taesd.decode(null)],
  ['ARG', () => taesd.decode({ shape, data }, { output: 'x' })],
  ['ARG', () => taesd.encode({ ...picture, width: -1 })],
  ['ARG', () => taesd.encode({ ...picture, data: picture.data.subarray(1) })],
];

const isCode = (error, code) =>
  error?.code === code ? undefined : `expected ${code}, got ${error}`;

const differs = (got, wanted) => (isDeepStrictEqual(got, wanted) ? undefined : 'another result');

/** Memory is freed once the calls that still ran have ended. */
async function freed(taesd) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { memoryBytes, workers } = taesd.info;
  return memoryBytes + workers === 0 ? undefined : `${memoryBytes} bytes, ${workers} workers left`;
}
