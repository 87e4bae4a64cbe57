// The calls of the soak. Each returns undefined if its result is right, or the fault.
import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Taesd } from 'taesd-wasm';
import {
  decodeLatentPng,
  encodeLatentPng,
  encodeLatentSafetensors,
  readLatents,
} from 'taesd-wasm/latent-file';
import { block, conv3x3, loadNetwork, relu, runNetwork } from 'taesd-wasm/network';
import { decodePicture } from 'taesd-wasm/picture';
import { decodePng, encodePng, encodePngRows } from 'taesd-wasm/png';
import { createPreviewer, encodeFrame, previewFrom } from 'taesd-wasm/preview';
import { createRemote } from 'taesd-wasm/remote';
import * as photographs from '../picture/files.ts';
import { digestOf, sharedFolder } from './models.mjs';

/**
 * Makes the calls on instances.
 *
 * @param {object} options
 * @param {object[]} options.rigs    the instances, with latents and the right results
 * @param {object[]} options.loads   the options with which instances are loaded for one call
 * @param {() => number} options.random
 * @param {AbortSignal} options.signal  a signal that never fires
 * @returns {Promise<[string, () => Promise<string | undefined>][]>} names and calls
 */
export async function makeCalls({ rigs, loads, random, signal }) {
  // Decoders that are loaded once belong to no call.
  for (const { bytes } of PHOTOGRAPHS) await decodePicture(bytes);
  hostileFiles();
  const made = await runNetwork(NETWORK, NETWORK_WEIGHTS, NETWORK_INPUT);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const each = (run) => () => {
    const rig = pick(rigs);
    return run(rig, pick(rig.trips));
  };
  /** An instance for one call, with a trip, so that it can be disposed in the middle. */
  const own = async () => {
    const at = Math.floor(random() * loads.length);
    return { taesd: await Taesd.load(loads[at]), ...pick(rigs[at].trips) };
  };
  /** Runs a call with a signal of its own, which fires in the middle. */
  const cancelled = async (start, wanted) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(pick(['enough', undefined, 5])), 30 * random());
    const got = await start(stop.signal).catch((error) => error);
    clearTimeout(timer);
    const left = getEventListeners(stop.signal, 'abort').length;
    if (left > 0) return `${left} listeners are left on the signal of one call`;
    return got instanceof Error ? isCode(got, 'ABORTED') : differs(got, wanted);
  };
  return Object.entries({
    decode: each(async ({ taesd }, { latents, picture }) =>
      differs(await taesd.decode(latents, { signal }), picture),
    ),
    encode: each(async ({ taesd }, { picture, encoded }) =>
      differs(await taesd.encode(picture, { signal }), encoded),
    ),
    rows: each(async ({ taesd }, { latents, picture }) => {
      const rows = taesd.decodeRows(latents, { signal });
      return differs(await joined(rows, picture), picture.data);
    }),
    'rows, from the middle on': each(async ({ taesd }, { latents, picture }) => {
      const firstRow = Math.floor(random() * picture.height);
      const rows = taesd.decodeRows(latents, { signal, firstRow });
      const from = 4 * picture.width * firstRow;
      return differs((await joined(rows, picture)).subarray(from), picture.data.subarray(from));
    }),
    'rows left': each(async ({ taesd }, { latents, picture }) => {
      for await (const { y, data } of taesd.decodeRows(latents, { signal })) {
        return y === 0
          ? differs(data, picture.data.subarray(0, data.length))
          : `first rows at ${y}`;
      }
      return 'no rows';
    }),
    'rows into a PNG': each(async ({ taesd }, { latents, picture }) => {
      const { width, height, data } = picture;
      const rows = taesd.decodeRows(latents, { signal });
      const pieces = [];
      const isLeft = random() < 0.3;
      for await (const piece of encodePngRows({ width, height, channels: 4 }, rows)) {
        if (isLeft) return undefined;
        pieces.push(piece);
      }
      return differs(decodePng(Buffer.concat(pieces)).data, new Uint8Array(data));
    }),
    'decode cancelled': each(({ taesd }, { latents, picture }) =>
      cancelled((stop) => taesd.decode(latents, { signal: stop }), picture),
    ),
    'encode cancelled': each(({ taesd }, { picture, encoded }) =>
      cancelled((stop) => taesd.encode(picture, { signal: stop }), encoded),
    ),
    'rows cancelled': each(({ taesd }, { latents, picture }) =>
      cancelled(
        (stop) => joined(taesd.decodeRows(latents, { signal: stop }), picture),
        picture.data,
      ),
    ),
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
      const thrown = new RangeError('own');
      const onProgress = () => {
        throw thrown;
      };
      const got = await taesd.decode(latents, { onProgress }).catch((error) => error);
      return got === thrown ? undefined : `got ${got}`;
    }),
    steps: each(async ({ taesd }, { steps }) => {
      const [input, digests] = pick(steps);
      const stopAt = Math.floor(random() * digests.length);
      for await (const { index, output } of taesd.steps(input, { signal })) {
        if (index === stopAt) return differs(digestOf(output), digests[stopAt]);
      }
      return 'no such step';
    }),
    preview: each(async ({ taesd }, { latents, picture }) => {
      const shown = [];
      const onFrame = ({ data }, { step }) => shown.push([step, data]);
      const previewer = createPreviewer(taesd, { onFrame });
      for (let step = 0; step < 5; step++) previewer.push(latents, step);
      if (random() < 0.3) return void previewer.stop();
      await previewer.idle();
      previewer.stop();
      const [step, data] = shown.at(-1) ?? [];
      return step === 4 ? differs(data, picture.data) : `the last picture is of step ${step}`;
    }),
    remote: each(async ({ taesd }, { latents, picture }) => {
      const respond = createRemote({ models: [taesd], limits: { width: 4096, pixels: 4096 ** 2 } });
      const answer = await respond(protocolRequest(latents, signal));
      // A client may leave in the middle.
      if (random() < 0.2) return void (await answer.body.cancel());
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const rgb = new Uint8Array(picture.data.filter((_, i) => i % 4 !== 3));
      return differs(bytes, rgb);
    }),
    stream: each(async ({ taesd }, { latents, picture }) => {
      const frame = encodeFrame(latents, { model: taesd.info.model, type: 'f16' });
      const stream = new ReadableStream({
        start(controller) {
          for (let i = 0; i < 5; i++) controller.enqueue(frame);
          controller.close();
        },
      });
      const sizes = [];
      const onFrame = ({ width, height }) => sizes.push(`${width}×${height}`);
      const preview = previewFrom(stream, taesd, { onFrame });
      if (random() < 0.3) preview.stop();
      await preview.done;
      const size = `${picture.width}×${picture.height}`;
      return sizes.every((one) => one === size) ? undefined : `a picture of ${sizes}, not ${size}`;
    }),
    network: async () => {
      const network = await loadNetwork(NETWORK, NETWORK_WEIGHTS);
      const runs = [network.run(NETWORK_INPUT, { signal }), network.run(NETWORK_INPUT)];
      const fault = differs(await Promise.all(runs), [made, made]);
      network.dispose();
      await pause(20);
      return fault ?? (network.memoryBytes === 0 ? undefined : `${network.memoryBytes} bytes left`);
    },
    'network once': async () =>
      differs(await runNetwork(NETWORK, NETWORK_WEIGHTS, NETWORK_INPUT, { signal }), made),
    'network cancelled': () =>
      cancelled(
        (stop) => runNetwork(NETWORK, NETWORK_WEIGHTS, NETWORK_INPUT, { signal: stop }),
        made,
      ),
    'files of latents': each(async ({ space }, { latents, encoded }) => {
      const file = { latents: encoded, model: space };
      const fromPng = await readLatents(encodeLatentPng(file));
      const exact = await readLatents(encodeLatentSafetensors(file));
      return (
        differs(decodeLatentPng(encodeLatentPng(file)).latents.shape, latents.shape) ??
        differs(fromPng.latents.shape, latents.shape) ??
        differs(exact.latents, encoded)
      );
    }),
    'files of pictures': each(async (_, { picture }) => {
      const { bytes, digest } = pick(PHOTOGRAPHS);
      const photograph = await decodePicture(bytes);
      const { data } = await decodePicture(encodePng(picture));
      return (
        differs(photographs.digest(photograph.data), digest) ??
        differs(data, new Uint8ClampedArray(picture.data))
      );
    }),
    'broken files': each(async (_, { picture, encoded }) => {
      const [file, read] = pick([
        [encodePng(picture), (bytes) => decodePng(bytes)],
        [encodePng(picture), decodePicture],
        [pick(PHOTOGRAPHS).bytes, decodePicture],
        [encodeLatentSafetensors({ latents: encoded }), readLatents],
        [pick(hostileFiles()), readLatents],
        [pick(hostileFiles()), (bytes) => Taesd.load({ model: 'taesd', weights: bytes })],
      ]);
      const at = Math.floor(random() * file.length);
      const flipped = file.slice();
      flipped[at] ^= 255;
      // A file that is read all the same is no fault.
      const error = await readOr(read, pick([file.subarray(0, at), flipped, file]));
      if (error === undefined || error.name === 'TaesdError') return undefined;
      return `got ${error}`;
    }),
    'loading cancelled': async () => {
      const stop = new AbortController();
      const loading = Taesd.load({ ...pick(loads), signal: stop.signal });
      setTimeout(() => stop.abort(), 20 * random());
      const got = await loading.catch((error) => error);
      stop.abort();
      const left = getEventListeners(stop.signal, 'abort').length;
      if (left > 0) return `${left} listeners are left on the signal of a load`;
      if (got instanceof Error) return isCode(got, 'ABORTED');
      got.dispose();
      return undefined;
    },
    disposed: async () => {
      const { taesd, latents, picture } = await own();
      const settled = Promise.allSettled([taesd.decode(latents), taesd.decode(latents)]);
      if (random() < 0.5) await pause(30 * random());
      taesd.dispose();
      const [first, second] = await settled;
      const fault = [first, second]
        .map(({ reason, value }) => (reason ? isCode(reason, 'ARG') : differs(value, picture)))
        .find((one) => one !== undefined);
      const after = await taesd.decode(latents).catch((error) => error);
      return fault ?? isCode(after, 'ARG') ?? freed(taesd);
    },
    'abandoned rows': async () => {
      const { taesd, latents } = await own();
      await taesd.decodeRows(latents, { signal }).next();
      const behind = taesd.decode(latents, { signal }).catch((error) => error);
      taesd.dispose();
      return isCode(await behind, 'ARG') ?? freed(taesd);
    },
    // A loop over steps holds no turn between layers, so the decode may have begun.
    'abandoned steps': async () => {
      const { taesd, latents, picture } = await own();
      await taesd.steps(latents, { signal }).next();
      const beside = taesd.decode(latents, { signal }).catch((error) => error);
      taesd.dispose();
      const got = await beside;
      const fault = got instanceof Error ? isCode(got, 'ARG') : differs(got, picture);
      return fault ?? freed(taesd);
    },
  });
}

/** A network with a barrier, its weights and its input. */
const NETWORK = [conv3x3(4, 16), relu(), block(16, 16, { pool: true }), conv3x3(16, 4)];
const numbers = (shape, by) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  return { shape, data: data.map((_, i) => Math.sin(i * i + i) * by) };
};
const NETWORK_INPUT = numbers([1, 4, 60, 50], 2);
const NETWORK_WEIGHTS = new Map([
  ['0.weight', numbers([16, 4, 3, 3], 0.3)],
  ['0.bias', numbers([16], 0.3)],
  ['2.pool.0.weight', numbers([64, 16, 1, 1], 0.3)],
  ['2.pool.1.weight', numbers([64], 1)],
  ['2.pool.1.bias', numbers([64], 1)],
  ['2.pool.3.weight', numbers([16, 64, 1, 1], 0.1)],
  ...['2.conv.0', '2.conv.2', '2.conv.4'].flatMap((name) => [
    [`${name}.weight`, numbers([16, 16, 3, 3], 0.1)],
    [`${name}.bias`, numbers([16], 0.1)],
  ]),
  ['3.weight', numbers([4, 16, 3, 3], 0.1)],
  ['3.bias', numbers([4], 0.1)],
]);

const PHOTOGRAPHS = [photographs.BASELINE, photographs.FULL, photographs.LOSSY, photographs.ALPHA];

/** Files of PyTorch that are damaged or hostile; they are read once. */
let hostile;
function hostileFiles() {
  if (sharedFolder === undefined) return [photographs.BASELINE.bytes];
  hostile ??= readdirSync(`${sharedFolder}pth`)
    .filter((name) => name.endsWith('.pth'))
    .map((name) => new Uint8Array(readFileSync(`${sharedFolder}pth/${name}`)))
    .filter(({ length }) => length < 100_000);
  return hostile;
}

/** Returns the error of a reader, or undefined if it has read the file. */
async function readOr(read, bytes) {
  try {
    const result = await read(bytes);
    result?.dispose?.();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Returns the pixels of rows of a picture. */
async function joined(rows, picture) {
  const data = new Uint8ClampedArray(picture.data.length);
  for await (const { y, width, data: part } of rows) data.set(part, 4 * width * y);
  return data;
}

/** Calls that must fail, each with its code. */
const badInput = (taesd, { shape, data }, picture) => [
  ['SHAPE', () => taesd.decode({ shape: [1, 3, ...shape.slice(2)], data: data.slice(0, -1) })],
  ['NONFINITE', () => taesd.decode({ shape, data: data.map(() => Number.NaN) })],
  ['ARG', () => taesd.decode(null)],
  ['ARG', () => taesd.decode({ shape, data }, { output: 'x' })],
  ['ARG', () => taesd.encode({ ...picture, width: -1 })],
  ['ARG', () => taesd.encode({ ...picture, data: picture.data.subarray(1) })],
  ['ARG', () => taesd.decodeToCanvas({ shape, data }, {})],
  ['ARG', () => taesd.decodeRows({ shape, data }, { firstRow: -1 }).next()],
  ['ARG', () => taesd.steps({ shape, data }, { part: 'x' }).next()],
  ['ABORTED', () => taesd.decode({ shape, data }, { signal: AbortSignal.abort() })],
];

const isCode = (error, code) =>
  error?.code === code ? undefined : `expected ${code}, got ${error?.stack ?? error}`;

const differs = (got, wanted) => (isDeepStrictEqual(got, wanted) ? undefined : 'another result');

/** Memory is freed once the calls that still ran have ended. */
async function freed(taesd) {
  await pause(20);
  const { memoryBytes, workers } = taesd.info;
  return memoryBytes + workers === 0 ? undefined : `${memoryBytes} bytes, ${workers} workers left`;
}

/** The request of diffusers' client for the bytes of a picture. */
function protocolRequest({ shape, data }, signal) {
  const sizes = shape.map((size) => `shape=${size}`).join('&');
  const query = `${sizes}&dtype=float32&do_scaling=True&output_type=pt&partial_postprocess=True`;
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Request(`http://server/?${query}`, { method: 'POST', body, signal });
}
