import { beforeAll, describe, expect, test } from 'vitest';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { defineTaesdPreview } from '../../src/element/index.ts';
import { inCall } from '../../src/errors.ts';
import * as latentFile from '../../src/formats/index.ts';
import * as core from '../../src/index.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  type LoadedNetwork,
  loadNetwork,
  pixelShuffle,
  runNetwork,
} from '../../src/network/index.ts';
import { checkLoadOptions } from '../../src/options/load.ts';
import { decodePicture, pictureSize, sizeWithin } from '../../src/picture/index.ts';
import * as png from '../../src/png/index.ts';
import {
  createPreviewer,
  decodeFrame,
  encodeFrame,
  predictOriginal,
  previewFrom,
} from '../../src/preview/index.ts';
import { createRemote } from '../../src/remote/index.ts';

/*
 * Whatever a public call is handed, nothing but a TaesdError leaves it.
 */

const throwing = (): never => {
  throw new Error('hostile');
};
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const NAMES =
  'shape dims data latents width height dtype type layout space model signal onProgress output weights wasm encoder decoder bytes rows colorSpace pixelFormat maxPixels prediction sigma name length path format text';
/** An object whose every property of the list throws. */
const trapped = (base: object = {}): object => {
  const names = NAMES.split(' ').filter((name) => !(name in base));
  const traps = names.map((name) => [name, { get: throwing, enumerable: true }] as const);
  return Object.defineProperties({ ...base }, Object.fromEntries(traps));
};

const tagged = (tag: string): object => ({ [Symbol.toStringTag]: tag });
const detached = (): Uint8Array => {
  const bytes = new Uint8Array(16);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
};

const detachedFloats = (): Float32Array => {
  const numbers = new Float32Array(4);
  structuredClone(numbers.buffer, { transfer: [numbers.buffer] });
  return numbers;
};

const streamOf = (piece: unknown) =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(piece);
      controller.close();
    },
  });

/** Hands a message to a socket's listener, as a browser does. */
function messageOf(data: unknown): Promise<void> {
  const listeners = new Map<string, (event: object) => void>();
  const socket = {
    ...{ readyState: 1, send() {}, close() {}, removeEventListener() {} },
    addEventListener: (type: string, listener: (event: object) => void) =>
      listeners.set(type, listener),
  };
  const { done } = previewFrom(socket as never, taesd, { onFrame() {} });
  listeners.get('message')?.({ data });
  listeners.get('close')?.({ code: 1000 });
  return done;
}

const HOSTILE: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  'a number': () => 7,
  'a bigint': () => 7n,
  'a symbol': () => Symbol('x'),
  'a text': () => 'x',
  'a function': () => () => 1,
  'an array': () => [],
  'a list of null': () => [null],
  'an object without prototype': () => Object.create(null),
  'a revoked proxy': revoked,
  'a proxy whose every trap throws': () =>
    new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing }),
  'getters that throw': () => trapped(),
  'a tensor whose data throws': () => trapped({ shape: [1, 4, 1, 1] }),
  'a picture whose data throws': () => trapped({ width: 1, height: 1 }),
  'a thenable that throws': () => Object.defineProperty({}, 'then', { get: throwing }),
  'tagged AbortSignal': () => tagged('AbortSignal'),
  'tagged URL': () => tagged('URL'),
  'tagged WebAssembly.Module': () => tagged('WebAssembly.Module'),
  'tagged Uint8Array': () => tagged('Uint8Array'),
  'tagged ArrayBuffer': () => tagged('ArrayBuffer'),
  'tagged Blob': () => tagged('Blob'),
  'a text that throws': () => ({ toString: throwing, [Symbol.toPrimitive]: throwing }),
  'detached bytes': detached,
  'a detached tensor': () => ({ shape: [1, 4, 1, 1], data: detachedFloats() }),
  'a DataView': () => new DataView(new ArrayBuffer(16)),
  'shared memory': () => new Uint8Array(new SharedArrayBuffer(16)),
  'a long view': () => new BigUint64Array(4),
  'a date': () => new Date(Number.NaN),
  'a module': () => new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
};

let taesd: core.Taesd;
let network: LoadedNetwork;
const layer = { kind: 'conv', cin: 4, cout: 1, kernel: 1, stride: 1, bias: false } as const;
const layerWeights = new Map([['0.weight', { shape: [1, 4, 1, 1], data: new Float32Array(4) }]]);
const picture = { width: 1, height: 1, data: new Uint8Array(4) };
const tensor = { shape: [1, 4, 1, 1], data: new Float32Array(4) };

beforeAll(async () => {
  taesd = await core.Taesd.load({ model: 'nano', workers: 0 });
  network = await loadNetwork([layer], layerWeights);
});

const all = async (list: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of list) break;
};
const LOAD_OPTIONS = ['model', 'weights', 'onDownload', 'signal', 'device', 'only'];
const RUN_OPTIONS = ['signal', 'onProgress', 'width', 'space', 'output', 'background', 'maxSize'];

const HEADER = { width: 1, height: 1, channels: 3 } as const;

type Call = (value: never) => unknown;

/** The calls, by their names and the argument that is hostile. */
const CALLS: Readonly<Record<string, Call>> = {
  // The parts of `load` that look at these. Weights and workers would take most of the time.
  'load(x)': (x) => inCall('Taesd.load', () => checkLoadOptions(x)),
  'load({ wasm: x })': (x) =>
    inCall('Taesd.load', async () => createWasmBackend({ kernels: await compileKernels(x) })),
  ...Object.fromEntries(
    LOAD_OPTIONS.map((name) => [
      `load({ ${name}: x })`,
      (x: never) => core.Taesd.load({ model: 'nano', workers: 0, [name]: x }),
    ]),
  ),
  'load({ weights: { encoder: x } })': (x) => core.Taesd.load({ weights: { encoder: x } }),
  'encode(x)': (x) => taesd.encode(x),
  'encode({ data: x })': (x) => taesd.encode({ ...picture, data: x }),
  'encode({ width: x })': (x) => taesd.encode({ ...picture, width: x }),
  'encode(, x)': (x) => taesd.encode(picture, x),
  'decode(x)': (x) => taesd.decode(x),
  'decode({ data: x })': (x) => taesd.decode({ ...tensor, data: x }),
  'decode({ shape: x })': (x) => taesd.decode({ ...tensor, shape: x }),
  'decode({ strides: x })': (x) => taesd.decode({ ...tensor, strides: x }),
  'decode({ dtype: x })': (x) => taesd.decode({ ...tensor, dtype: x }),
  'decode({ latents: x })': (x) => taesd.decode({ latents: x } as never),
  'decode({ getData })': (x) =>
    taesd.decode({ dims: [1, 4, 1, 1], location: 'gpu', getData: async () => x } as never),
  'decode(, x)': (x) => taesd.decode(tensor, x),
  ...Object.fromEntries(
    RUN_OPTIONS.map((name) => [
      `decode(, { ${name}: x })`,
      (x: never) => taesd.decode(tensor, { [name]: x }),
    ]),
  ),
  ...Object.fromEntries(
    RUN_OPTIONS.map((name) => [
      `encode(, { ${name}: x })`,
      (x: never) => taesd.encode(picture, { [name]: x }),
    ]),
  ),
  'decodeRows(x)': (x) => all(taesd.decodeRows(x)),
  'decodeRows(, x)': (x) => all(taesd.decodeRows(tensor, x)),
  'decodeToCanvas(, x)': (x) => taesd.decodeToCanvas(tensor, x),
  'decodeToCanvas(, , x)': (x) => taesd.decodeToCanvas(tensor, {} as never, x),
  'steps(x)': (x) => all(taesd.steps(x)),
  'steps(, x)': (x) => all(taesd.steps(tensor, x)),
  'step.inner(x)': async (x) => {
    for await (const step of taesd.steps(tensor)) await all(step.inner(x));
  },
  quantizeLatents: (x) => core.quantizeLatents(x),
  dequantizeLatents: (x) => core.dequantizeLatents(x),
  latentsToPicture: (x) => core.latentsToPicture(x),
  pictureToLatents: (x) => core.pictureToLatents(x, 4),
  nanoFor: (x) => core.nanoFor(x),
  toVaeLatents: (x) => core.toVaeLatents(x, 'taesd'),
  'toVaeLatents(, x)': (x) => core.toVaeLatents(tensor, x),
  fromVaeLatents: (x) => core.fromVaeLatents(x, 'taesd'),
  readSafetensors: (x) => core.readSafetensors(x),
  toTensor: (x) => core.toTensor(x),
  writeSafetensors: (x) => core.writeSafetensors(x),
  'writeSafetensors([[, x]])': (x) => core.writeSafetensors([['a', x]]),
  'writeSafetensors(, x)': (x) => core.writeSafetensors([], x),
  isAbort: (x) => core.isAbort(x),
  decodePng: (x) => png.decodePng(x),
  'decodePng(, x)': (x) => png.decodePng(new Uint8Array(8), x),
  encodePng: (x) => png.encodePng(x),
  'encodePng({ data: x })': (x) => png.encodePng({ ...picture, data: x }),
  'encodePng(, x)': (x) => png.encodePng(picture, x),
  'encodePngRows(x)': (x) => all(png.encodePngRows(x, [])),
  'new PngRowWriter(x)': (x) => new png.PngRowWriter(x),
  'new PngRowWriter(, x)': (x) => new png.PngRowWriter(HEADER, x),
  'PngRowWriter.write(x)': (x) => new png.PngRowWriter(HEADER).write(x),
  'PngRowWriter.write({ data: x })': (x) =>
    new png.PngRowWriter(HEADER).write({ rows: 1, data: x }),
  'encodePngRows(, , x)': (x) => all(png.encodePngRows(HEADER, [], x)),
  decodePicture: (x) => decodePicture(x),
  'decodePicture(, x)': (x) => decodePicture(new Uint8Array(8), x),
  pictureSize: (x) => pictureSize(x),
  sizeWithin: (x) => sizeWithin(x, x, x),
  'conv3x3(x, x, x)': (x) => conv3x3(x, x, x),
  'conv3x3(, , x)': (x) => conv3x3(1, 1, x),
  'conv1x1(, x)': (x) => conv1x1(1, x),
  'block(, , { pool: x })': (x) => block(1, 1, { pool: x }),
  clamp: (x) => clamp(x),
  pixelShuffle: (x) => pixelShuffle(x),
  'loadNetwork(x)': (x) => loadNetwork(x, layerWeights),
  'loadNetwork([x])': (x) => loadNetwork([layer, x], layerWeights),
  'loadNetwork([{ kind: x }])': (x) => loadNetwork([{ ...layer, kind: x }], layerWeights),
  'loadNetwork([{ cin: x }])': (x) => loadNetwork([{ ...layer, cin: x }], layerWeights),
  'loadNetwork(, x)': (x) => loadNetwork([layer], x),
  'loadNetwork(, Map of x)': (x) => loadNetwork([layer], new Map([['0.weight', x]])),
  'loadNetwork(, Map with name x)': (x) => loadNetwork([layer], new Map([[x, tensor]])),
  'loadNetwork(, , x)': (x) => loadNetwork([layer], layerWeights, x),
  ...Object.fromEntries(
    ['backend', 'device', 'wasm', 'workers', 'maxMemory', 'signal'].map((name) => [
      `loadNetwork(, , { ${name}: x })`,
      (x: never) => loadNetwork([layer], layerWeights, { [name]: x }),
    ]),
  ),
  'runNetwork(, , x)': (x) => runNetwork([layer], layerWeights, x),
  'network.run(x)': (x) => network.run(x),
  'network.run({ data: x })': (x) => network.run({ ...tensor, data: x }),
  'network.run(, x)': (x) => network.run(tensor, x),
  ...Object.fromEntries(
    ['signal', 'onProgress', 'allowNonFinite'].map((name) => [
      `network.run(, { ${name}: x })`,
      (x: never) => network.run(tensor, { [name]: x }),
    ]),
  ),
  encodeLatentPng: (x) => latentFile.encodeLatentPng(x),
  'encodeLatentPng({ latents: x })': (x) => latentFile.encodeLatentPng({ latents: x }),
  decodeLatentPng: (x) => latentFile.decodeLatentPng(x, 'nano'),
  encodeLatentSafetensors: (x) => latentFile.encodeLatentSafetensors(x),
  decodeLatentSafetensors: (x) => latentFile.decodeLatentSafetensors(x),
  'readLatents(, { raw: x })': (x) =>
    latentFile.readLatents(new Uint8Array(8), { raw: x } as never),
  readLatents: (x) => latentFile.readLatents(x),
  'readLatents(, x)': (x) => latentFile.readLatents(new Uint8Array(8), x),
  createRemote: (x) => createRemote(x),
  'createRemote({ models: [x] })': (x) => createRemote({ models: [x] }),
  ...Object.fromEntries(
    ['models', 'defaultModel', 'load', 'limits', 'encodeJpeg', 'onFault'].map((name) => [
      `createRemote({ ${name}: x })`,
      (x: never) => createRemote({ models: [taesd], [name]: x }),
    ]),
  ),
  'createRemote({ limits: { width: x } })': (x) =>
    createRemote({ models: [taesd], limits: { width: x } }),
  'createPreviewer(x)': (x) => createPreviewer(x, { onFrame() {} }),
  'createPreviewer(, x)': (x) => createPreviewer(taesd, x),
  'push(, x)': (x) => createPreviewer(taesd, { onFrame() {}, onError: throwError }).push(tensor, x),
  'push(x)': (x) => createPreviewer(taesd, { onFrame() {}, onError: throwError }).push(x),
  defineTaesdPreview: (x) => defineTaesdPreview(x),
  'previewFrom(x)': (x) => previewFrom(x, taesd, { onFrame() {} }),
  'previewFrom(, x)': (x) => previewFrom(new ReadableStream(), x, { onFrame() {} }),
  'previewFrom(, , x)': (x) => previewFrom(new ReadableStream(), taesd, x),
  'previewFrom of a stream of x': (x) => previewFrom(streamOf(x), taesd, { onFrame() {} }).done,
  'previewFrom of messages x': (x) => messageOf(x),
  encodeFrame: (x) => encodeFrame(x, { model: 'taesd' }),
  'encodeFrame(, x)': (x) => encodeFrame(tensor, x),
  decodeFrame: (x) => decodeFrame(x),
  predictOriginal: (x) => predictOriginal(x, x, { prediction: 'epsilon', sigma: 1 }),
  'predictOriginal(, x)': (x) => predictOriginal(tensor, x, { prediction: 'epsilon', sigma: 1 }),
  'predictOriginal(, , x)': (x) => predictOriginal(tensor, tensor, x),
};

test('encodePngRows: bands that are no list → ARG; what a list throws → unchanged', async () => {
  const header = { width: 1, height: 1, channels: 3 } as const;
  await expect(all(png.encodePngRows(header, 5 as never))).rejects.toMatchObject({
    code: 'ARG',
    message: 'encodePngRows: "bands" expected bands of rows, such as decodeRows(latents), got 5',
  });
  const boom = new Error('of the caller');
  const failing = {
    [Symbol.iterator]() {
      throw boom;
    },
  };
  await expect(all(png.encodePngRows(header, failing))).rejects.toBe(boom);
});

test('getters that throw → ARG with the reason, and the error behind', async () => {
  const boom = new Error('of the caller');
  const options = Object.defineProperty({}, 'signal', {
    enumerable: true,
    get() {
      throw boom;
    },
  });
  await expect(taesd.decode(tensor, options)).rejects.toMatchObject({
    code: 'ARG',
    message:
      'decode: failed: of the caller (a value that throws when it is read, or a fault of the package or the runtime)',
    cause: boom,
  });
});

describe('pictures whose properties change', () => {
  const SIDE = 8;
  const random = Uint8Array.from({ length: 4 * SIDE * SIDE }, (_, i) => (i * 37) % 256);
  const floats = Float32Array.from(random, (byte) => byte / 255);
  const bytes = { width: SIDE, height: SIDE, data: random };
  const KINDS: Readonly<Record<string, object>> = {
    bytes,
    'bytes of Display P3': { ...bytes, colorSpace: 'display-p3' },
    floats: { ...bytes, data: floats, pixelFormat: 'rgba-float16', colorSpace: 'srgb' },
  };
  /** The values that a property has from the second time on. */
  const LATER: Readonly<Record<string, readonly unknown[]>> = {
    width: [64, 200_000, 1.5, NaN, {}],
    height: [64, 200_000],
    data: [new Uint8Array(3), null],
    colorSpace: ['display-p3-linear', {}],
    pixelFormat: ['rgba-unorm8', 7],
  };
  const lastStep = async (picture: never): Promise<core.Tensor> => {
    let last: core.Tensor | undefined;
    for await (const { output } of taesd.steps(picture)) last = output;
    return last as core.Tensor;
  };
  const WORK: Readonly<Record<string, (picture: never) => unknown>> = {
    encode: (picture) => taesd.encode(picture),
    steps: lastStep,
    pictureToLatents: (picture) => core.pictureToLatents(picture, 4),
  };

  /** Counts how often each property is read. Each has its later value from the second time on. */
  function changing(picture: object, name: string, later: unknown) {
    const reads = new Map<PropertyKey, number>();
    const value = new Proxy(picture, {
      get(target, key) {
        const count = (reads.get(key) ?? 0) + 1;
        reads.set(key, count);
        return key === name && count > 1 ? later : Reflect.get(target, key);
      },
    });
    return { value: value as never, reads };
  }

  for (const [call, work] of Object.entries(WORK)) {
    for (const [kind, picture] of Object.entries(KINDS)) {
      if (call === 'pictureToLatents' && kind !== 'bytes') continue;
      test(`${call}, ${kind}: another value at the second read → read once, the first counts`, async () => {
        const wanted = await work(picture as never);
        for (const [name, values] of Object.entries(LATER)) {
          // Steps copy a picture as encode does, and take several times as long.
          for (const later of call === 'steps' ? values.slice(0, 1) : values) {
            const { value, reads } = changing(picture, name, later);
            expect(await work(value), name).toEqual(wanted);
            expect(reads.get(name) ?? 0, name).toBeLessThanOrEqual(1);
            expect(reads.get('data')).toBe(1);
          }
        }
      });
    }
  }

  for (const [kind, picture] of Object.entries(KINDS)) {
    test(`encode, ${kind}: size and data replaced after the call → as they were`, async () => {
      const given = { ...picture };
      const encoding = taesd.encode(given as never);
      Object.assign(given, { width: 4, height: 4, data: new Uint8Array(48), colorSpace: 'x' });
      expect(await encoding).toEqual(await taesd.encode(picture as never));
    });
  }

  test('encode: an array with a length or slice of its own → ARG, or the true numbers', async () => {
    const long = Object.defineProperty(random.slice(0, 3), 'length', { value: random.length });
    const short = Object.defineProperty(random.slice(), 'length', { value: 3 });
    const cut = Object.assign(random.slice(), { slice: () => random.slice(0, 3) });
    const none = Object.assign(random.slice(), { slice: () => ({ length: random.length }) });
    for (const colorSpace of ['srgb', 'display-p3']) {
      const encode = (data: Uint8Array) => taesd.encode({ ...bytes, data, colorSpace });
      await expect(encode(long)).rejects.toMatchObject({
        code: 'ARG',
        message: 'encode: "image data" expected 192 (RGB) or 256 (RGBA) bytes for 8×8, got 3',
      });
      expect(await encode(short)).toEqual(await encode(random));
    }
    for (const data of [cut, none]) {
      const wide = taesd.encode({ ...bytes, data, colorSpace: 'display-p3' });
      await expect(wide).rejects.toMatchObject({ code: 'ARG' });
      expect(await taesd.encode({ ...bytes, data })).toEqual(await taesd.encode(bytes));
    }
  });

  test('encode: a background changed after the call → as it was', async () => {
    const background: [number, number, number] = [1, 2, 3];
    const encoding = taesd.encode(bytes, { background });
    background.fill(NaN);
    expect(await encoding).toEqual(await taesd.encode(bytes, { background: [1, 2, 3] }));
  });
});

const throwError = (error: unknown): never => {
  throw error;
};

describe('hostile values', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    test(`${name}: ${Object.keys(HOSTILE).length} hostile values → accepted, or a TaesdError`, async () => {
      const bare: string[] = [];
      for (const [kind, make] of Object.entries(HOSTILE)) {
        try {
          await call(make() as never);
        } catch (error) {
          if (!(error instanceof core.TaesdError)) bare.push(`${kind}: ${(error as Error).stack}`);
        }
      }
      expect(bare.map((text) => text.split('\n').slice(0, 4).join(' | '))).toEqual([]);
    });
  }
});
