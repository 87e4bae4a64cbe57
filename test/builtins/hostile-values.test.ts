import { beforeAll, describe, expect, test } from 'vitest';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { inCall } from '../../src/errors.ts';
import * as latentFile from '../../src/formats/index.ts';
import * as core from '../../src/index.ts';
import { checkLoadOptions } from '../../src/options/load.ts';
import { decodePicture, pictureSize, sizeWithin } from '../../src/picture/index.ts';
import * as png from '../../src/png/index.ts';
import { createPreviewer, predictOriginal } from '../../src/preview/index.ts';

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
const picture = { width: 1, height: 1, data: new Uint8Array(4) };
const tensor = { shape: [1, 4, 1, 1], data: new Float32Array(4) };

beforeAll(async () => {
  taesd = await core.Taesd.load({ model: 'nano', workers: 0 });
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
  encodeLatentPng: (x) => latentFile.encodeLatentPng(x),
  'encodeLatentPng({ latents: x })': (x) => latentFile.encodeLatentPng({ latents: x }),
  decodeLatentPng: (x) => latentFile.decodeLatentPng(x, 'nano'),
  encodeLatentSafetensors: (x) => latentFile.encodeLatentSafetensors(x),
  decodeLatentSafetensors: (x) => latentFile.decodeLatentSafetensors(x),
  'readLatents(, { raw: x })': (x) =>
    latentFile.readLatents(new Uint8Array(8), { raw: x } as never),
  readLatents: (x) => latentFile.readLatents(x),
  'readLatents(, x)': (x) => latentFile.readLatents(new Uint8Array(8), x),
  'createPreviewer(x)': (x) => createPreviewer(x, { onFrame() {} }),
  'createPreviewer(, x)': (x) => createPreviewer(taesd, x),
  'push(, x)': (x) => createPreviewer(taesd, { onFrame() {}, onError: throwError }).push(tensor, x),
  'push(x)': (x) => createPreviewer(taesd, { onFrame() {}, onError: throwError }).push(x),
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
