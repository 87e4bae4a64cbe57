import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as element from '../src/element/index.ts';
import * as latentFile from '../src/formats/index.ts';
import * as core from '../src/index.ts';
import * as network from '../src/network/index.ts';
import * as picture from '../src/picture/index.ts';
import * as png from '../src/png/index.ts';
import * as preview from '../src/preview/index.ts';
import * as remote from '../src/remote/index.ts';
import { sampled } from './full-length.ts';
import { networkTensors, randomWeights } from './small-model.ts';
import { weightsServer } from './weights/weights-server.ts';

/*
 * The options of every public function and class: undefined stands for the defaults, null is ARG.
 * And reasons of aborts that are no errors, for every call that takes a signal.
 */

const { nano } = await import(new URL('../dist/nano.js', import.meta.url).href);
const { kernels } = await import(new URL('../dist/kernels.js', import.meta.url).href);

const layers = [network.conv3x3(4, 4)];
const weights = networkTensors(layers, 1);
let taesd: core.Taesd;
let loaded: network.LoadedNetwork;
beforeAll(async () => {
  taesd = await core.Taesd.load({ ...nano(), workers: 0 });
  loaded = await network.loadNetwork(layers, weights);
});
afterAll(() => {
  taesd.dispose();
  loaded.dispose();
});

const image = { width: 8, height: 8, data: new Uint8Array(256) };
const latents = { shape: [1, 4, 1, 1], data: new Float32Array(4) };
const header = { width: 8, height: 1, channels: 4 } as const;
const bands = [{ rows: 1, data: new Uint8Array(32) }];
const stored = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
const prediction = { prediction: 'epsilon', sigma: 1 } as const;
const pngFile = () => png.encodePng(image);
const latentPng = () => latentFile.encodeLatentPng({ latents, model: 'taesd' });
const latentTensors = () => latentFile.encodeLatentSafetensors({ latents, model: 'taesd' });
const all = async (list: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of list);
};
/** A canvas that none of the calls below comes to. */
const canvas = { width: 8, height: 8, getContext: () => null };

type WithOptions = (options: never) => unknown;

/** Calls whose options may be left out. */
const OPTIONAL: Readonly<Record<string, WithOptions>> = {
  defineTaesdPreview: (x) => element.defineTaesdPreview(x),
  encode: (x) => taesd.encode(image, x),
  decode: (x) => taesd.decode(latents, x),
  decodeRows: (x) => all(taesd.decodeRows(latents, x)),
  steps: (x) => all(taesd.steps(latents, x)),
  toTensor: (x) => core.toTensor(stored, x),
  writeSafetensors: (x) => core.writeSafetensors([['x', latents]], x),
  decodePng: (x) => png.decodePng(pngFile(), x),
  encodePng: (x) => png.encodePng(image, x),
  'new PngRowWriter': (x) => new png.PngRowWriter(header, x),
  encodePngRows: (x) => all(png.encodePngRows(header, bands, x)),
  decodePicture: (x) => picture.decodePicture(pngFile(), x),
  readLatents: (x) => latentFile.readLatents(latentTensors(), x),
  'conv3x3(, , x)': (x) => network.conv3x3(1, 2, x),
  'conv1x1(, , x)': (x) => network.conv1x1(1, 2, x),
  'block(, x)': (x) => network.block(1, x),
  'block(, , x)': (x) => network.block(1, 2, x),
  'clamp(x)': (x) => network.clamp(x),
  'createRemote({ limits: x })': (x) => remote.createRemote({ models: [taesd], limits: x }),
  'createRemote({ load: x })': (x) => remote.createRemote({ models: [taesd], load: x }),
  'createRemote({ encodeJpeg: x })': (x) => remote.createRemote({ models: [taesd], encodeJpeg: x }),
  loadNetwork: (x) => network.loadNetwork(layers, weights, x).then((one) => one.dispose()),
  runNetwork: (x) => network.runNetwork(layers, weights, latents, x),
  'network.run': (x) => loaded.run(latents, x),
  'decodeLatentPng(, x)': (x) => latentFile.decodeLatentPng(latentPng(), x),
  'decodeLatentPng(, , x)': (x) => latentFile.decodeLatentPng(latentPng(), 'taesd', x),
};

/** Arguments that have no default. */
const REQUIRED: Readonly<Record<string, WithOptions>> = {
  'encode(x)': (x) => taesd.encode(x),
  'decode(x)': (x) => taesd.decode(x),
  'decodeRows(x)': (x) => all(taesd.decodeRows(x)),
  'decodeToCanvas(x)': (x) => taesd.decodeToCanvas(x, canvas as never),
  'decodeToCanvas(, x)': (x) => taesd.decodeToCanvas(latents, x),
  'steps(x)': (x) => all(taesd.steps(x)),
  'quantizeLatents(x)': (x) => core.quantizeLatents(x),
  'dequantizeLatents(x)': (x) => core.dequantizeLatents(x),
  'latentsToPicture(x)': (x) => core.latentsToPicture(x),
  'pictureToLatents(x)': (x) => core.pictureToLatents(x, 4),
  'pictureToLatents(, x)': (x) => core.pictureToLatents(image, x),
  nanoFor: (x) => core.nanoFor(x),
  'toVaeLatents(x)': (x) => core.toVaeLatents(x, 'taesd'),
  'toVaeLatents(, x)': (x) => core.toVaeLatents(latents, x),
  'fromVaeLatents(, x)': (x) => core.fromVaeLatents(latents, x),
  'readSafetensors(x)': (x) => core.readSafetensors(x),
  'toTensor(x)': (x) => core.toTensor(x),
  'writeSafetensors(x)': (x) => core.writeSafetensors(x),
  'decodePng(x)': (x) => png.decodePng(x),
  'encodePng(x)': (x) => png.encodePng(x),
  'new PngRowWriter(x)': (x) => new png.PngRowWriter(x),
  'PngRowWriter.write(x)': (x) => new png.PngRowWriter(header).write(x),
  'encodePngRows(x)': (x) => all(png.encodePngRows(x, bands)),
  'encodePngRows(, x)': (x) => all(png.encodePngRows(header, x)),
  'decodePicture(x)': (x) => picture.decodePicture(x),
  'pictureSize(x)': (x) => picture.pictureSize(x),
  'sizeWithin(x)': (x) => picture.sizeWithin(x, 8, 8),
  'createPreviewer(x)': (x) => preview.createPreviewer(x, { onFrame() {} }),
  'createPreviewer(, x)': (x) => preview.createPreviewer(taesd, x),
  'previewer.push(x)': (x) =>
    new Promise((onFrame, onError) => {
      preview.createPreviewer(taesd, { onFrame, onError }).push(x);
    }),
  'previewFrom(x)': (x) => preview.previewFrom(x, taesd, { onFrame() {} }),
  'previewFrom(, x)': (x) => preview.previewFrom(new ReadableStream(), x, { onFrame() {} }),
  'previewFrom(, , x)': (x) => preview.previewFrom(new ReadableStream(), taesd, x),
  'encodeFrame(x)': (x) => preview.encodeFrame(x, { model: 'taesd' }),
  'encodeFrame(, x)': (x) => preview.encodeFrame(latents, x),
  'decodeFrame(x)': (x) => preview.decodeFrame(x),
  'predictOriginal(x)': (x) => preview.predictOriginal(x, latents, prediction),
  'predictOriginal(, x)': (x) => preview.predictOriginal(latents, x, prediction),
  'predictOriginal(, , x)': (x) => preview.predictOriginal(latents, latents, x),
  'conv3x3(x)': (x) => network.conv3x3(x, 1),
  'conv1x1(, x)': (x) => network.conv1x1(1, x),
  'pixelShuffle(x)': (x) => network.pixelShuffle(x),
  'pixelUnshuffle(x)': (x) => network.pixelUnshuffle(x),
  'loadNetwork(x)': (x) => network.loadNetwork(x, weights),
  'loadNetwork(, x)': (x) => network.loadNetwork(layers, x),
  'runNetwork(, , x)': (x) => network.runNetwork(layers, weights, x),
  'network.run(x)': (x) => loaded.run(x),
  'encodeLatentPng(x)': (x) => latentFile.encodeLatentPng(x),
  'decodeLatentPng(x)': (x) => latentFile.decodeLatentPng(x),
  'encodeLatentSafetensors(x)': (x) => latentFile.encodeLatentSafetensors(x),
  'decodeLatentSafetensors(x)': (x) => latentFile.decodeLatentSafetensors(x),
  'readLatents(x)': (x) => latentFile.readLatents(x),
  'createRemote(x)': (x) => remote.createRemote(x),
};

const thrown = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
    return 'nothing';
  } catch (error) {
    return error;
  }
};
const ARGUMENT = { name: 'TaesdError', code: 'ARG' };

describe('options', () => {
  for (const [name, call] of Object.entries(OPTIONAL)) {
    test(`${name}: undefined → the defaults; null → ARG`, async () => {
      await call(undefined as never);
      expect(await thrown(() => call(null as never))).toMatchObject(ARGUMENT);
    });
  }

  for (const [name, call] of Object.entries(REQUIRED)) {
    test(`${name}: undefined, null → ARG or SHAPE`, async () => {
      for (const value of [undefined, null] as never[]) {
        const error = await thrown(() => call(value));
        expect(error).toMatchObject({ name: 'TaesdError' });
        expect((error as core.TaesdError).message).not.toContain('failed: ');
        expect(['ARG', 'SHAPE']).toContain((error as core.TaesdError).code);
      }
    });
  }

  test('load, decodeToCanvas: null → ARG', async () => {
    expect(await thrown(() => core.Taesd.load(null as never))).toMatchObject(ARGUMENT);
    const drawn = () => taesd.decodeToCanvas(latents, canvas as never, null as never);
    expect(await thrown(drawn)).toMatchObject(ARGUMENT);
  });

  test('each option that is undefined → as if it were left out', async () => {
    const plain = await taesd.decode(latents);
    const none = Object.fromEntries(
      ['signal', 'allowNonFinite', 'onProgress', 'width', 'height', 'space', 'output'].map(
        (name) => [name, undefined],
      ),
    );
    expect(await taesd.decode(latents, none)).toEqual(plain);
  });

  test('nano, kernels: any argument → the bytes', () => {
    for (const value of [undefined, null, 7]) {
      expect(nano(value).weights.decoder).toBeInstanceOf(Uint8Array);
      expect(kernels(value)).toBeInstanceOf(Uint8Array);
    }
  });

  test('toTensor: names that are no text → ARG', () => {
    for (const name of [Symbol('n'), 7, 7n, {}, Object.create(null), () => 1, [], NaN]) {
      expect(() => core.toTensor(stored, name as never)).toThrow(
        /^toTensor: "name" expected a text, got /,
      );
    }
  });
});

const hostile = (): never => {
  throw new Error('hostile');
};

/** Reasons that have no text, or whose text throws. A signal makes an error of undefined. */
const REASONS: Readonly<Record<string, () => unknown>> = {
  'a symbol': () => Symbol('s'),
  null: () => null,
  undefined: () => undefined,
  'an object without a prototype': () => Object.create(null),
  'a text that throws': () => ({ toString: hostile, [Symbol.toPrimitive]: hostile }),
  'a message that throws': () => Object.defineProperty({}, 'message', { get: hostile }),
  'a Proxy that throws': () =>
    new Proxy({}, { get: hostile, has: hostile, getPrototypeOf: hostile, ownKeys: hostile }),
  'a number': () => 7n,
  'a function': () => hostile,
};

describe('reasons of aborts', () => {
  const { mirror, requests } = weightsServer({
    encoder: new Uint8Array(randomWeights('taesd', 'encoder')),
    decoder: new Uint8Array(randomWeights('taesd', 'decoder')),
  });

  const CALLS: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
    load: (signal) => core.Taesd.load({ ...nano(), workers: 0, signal }),
    encode: (signal) => taesd.encode(image, { signal }),
    decode: (signal) => taesd.decode(latents, { signal }),
    decodeRows: (signal) => all(taesd.decodeRows(latents, { signal })),
    decodeToCanvas: (signal) =>
      taesd.decodeToCanvas(latents, { ...canvas, getContext: () => ({}) } as never, { signal }),
    steps: (signal) => all(taesd.steps(latents, { signal })),
    loadNetwork: (signal) => network.loadNetwork(layers, weights, { signal }),
    runNetwork: (signal) => network.runNetwork(layers, weights, latents, { signal }),
    'network.run': (signal) => loaded.run(latents, { signal }),
  };

  const reasons = Object.entries(REASONS);
  for (const [kind, make] of sampled(
    reasons.filter(([kind]) => /symbol|null|Proxy/.test(kind)),
    reasons,
  )) {
    test(`${kind} → ABORTED from ${Object.keys(CALLS).join(', ')}, the reason as cause`, async () => {
      for (const [name, call] of Object.entries(CALLS)) {
        const signal = AbortSignal.abort(make());
        const error = (await thrown(() => call(signal))) as core.TaesdError;
        expect([name, error.name, error.code]).toEqual([name, 'TaesdError', 'ABORTED']);
        expect(core.isAbort(error)).toBe(true);
        expect(Object.is(error.cause, signal.reason)).toBe(true);
        expect(error.message).toMatch(/^((Taesd|network)\.)?\w+: aborted \(.+\)$/);
      }
    });
  }

  test('odd reasons while a call works, while a server stalls → ABORTED', async () => {
    const large = { shape: [1, 4, 128, 128], data: new Float32Array(4 * 128 * 128) };
    for (const make of Object.values(REASONS)) {
      const controller = new AbortController();
      const working = taesd.decode(large, {
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(make()), 2);
      expect(await thrown(() => working)).toMatchObject({ code: 'ABORTED' });
      const loading = new AbortController();
      const before = requests.length;
      const load = core.Taesd.load({ weights: mirror('mute'), signal: loading.signal });
      while (requests.length === before) await new Promise((resolve) => setTimeout(resolve, 2));
      loading.abort(make());
      expect(await thrown(() => load)).toMatchObject({ name: 'TaesdError', code: 'ABORTED' });
    }
  });
});
