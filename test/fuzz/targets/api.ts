import * as element from '../../../src/element/index.ts';
import * as latentFile from '../../../src/formats/index.ts';
import * as core from '../../../src/index.ts';
import * as network from '../../../src/network/index.ts';
import * as picture from '../../../src/picture/index.ts';
import * as png from '../../../src/png/index.ts';
import * as preview from '../../../src/preview/index.ts';
import * as remote from '../../../src/remote/index.ts';
import { buildPng, randomPicture } from '../../png/build-png.ts';
import { networkTensors, randomWeights } from '../../small-model.ts';
import { callersOutcome, ODD } from '../odd-values.ts';
import { refusal } from '../outcome.ts';
import type { Random } from '../random.ts';
import { changeList, read, shown, smallerJson, written } from '../recipe.ts';
import { keepSurroundings } from '../surroundings.ts';
import { type Target, WrongResult } from '../target.ts';

/*
 * Calls of every public function, method and class with arguments that are right, odd, or right
 * with an odd part. An input names the call and describes its arguments.
 */

/** A description of a value: an odd one by its number, or a right one with parts replaced. */
type Spec =
  | { readonly odd: number }
  | { readonly good: string; readonly set?: Readonly<Record<string, Spec>> };

interface Call {
  readonly call: string;
  readonly args: readonly Spec[];
}

const PNG_FILE = buildPng(randomPicture(6, 8, 5, 4));
const f32 = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (i % 7) / 3 - 1);
const latents = () => ({ shape: [1, 4, 1, 1], data: f32(4) });
const image = () => ({ width: 8, height: 8, data: new Uint8ClampedArray(256).fill(99) });
const networkLayers = () => [network.conv1x1(4, 4), network.block(4, 4, { pool: true })];
const header = () => ({ width: 2, height: 2, channels: 4 });

/** Values that calls accept. */
const GOOD: Readonly<Record<string, () => unknown>> = {
  latents,
  image,
  header,
  tensor: () => ({ shape: [1, 3, 8, 8], data: f32(192).map((x) => (x + 1) / 2) }),
  packed: () => ({ shape: [1, 4, 16], data: f32(64) }),
  file: () => PNG_FILE.slice(),
  latentFile: () => ({ latents: latents(), model: 'taesd', width: 8, height: 8 }),
  entries: () => [['x', latents()]],
  stored: () => ({ dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }),
  band: () => ({ y: 0, rows: 1, width: 2, height: 2, data: new Uint8Array(8) }),
  rowsOptions: () => ({ text: { a: 'b' } }),
  bands: () => [{ rows: 2, width: 2, height: 2, y: 0, data: new Uint8Array(16) }],
  metadata: () => ({ a: 'b' }),
  floats: () => f32(8),
  bytes: () => new Uint8Array(8),
  variant: () => core.VARIANTS.taesd,
  name: () => 'taesd',
  elementName: () => 'taesd-preview',
  number: () => 8,
  size: () => ({ width: 100, height: 50 }),
  signal: () => new AbortController().signal,
  canvas: () => ({ width: 8, height: 8, getContext: () => null }),
  remoteOptions: () => ({ models: ['nano'], load: () => instance(), limits: { width: 64 } }),
  loadOptions: () => ({ model: 'nano', workers: 0, weights: nano() }),
  decodeOptions: () => ({ output: 'image', width: 8, height: 8, space: 'diffusion' }),
  encodeOptions: () => ({ alpha: 'composite', background: [1, 2, 3], maxSize: 8 }),
  stepsOptions: () => ({ part: 'decoder' }),
  pngOptions: () => ({ maxPixels: 1000, colour: 'raw' }),
  readOptions: () => ({ model: 'taesd', name: 'a.png', space: 'vae', pick: 0 }),
  prediction: () => ({ prediction: 'v', alphaCumprod: 0.5 }),
  previewOptions: () => ({ onFrame: () => undefined, pick: 0 }),
  frameOptions: () => ({ model: 'nano', type: 'f16', step: 1, width: 8, space: 'vae' }),
  frame: () => preview.encodeFrame(latents() as never, { model: 'nano', acknowledge: true }),
  stream: () => streamOfFrame(),
  streamOptions: () => ({ onFrame: () => undefined, resolution: 0.5, maxFps: 1e6 }),
  step: () => ({ prediction: 'epsilon', sigma: 1, output: latents(), step: 1 }),
  layers: networkLayers,
  layerWeights: () => networkTensors(networkLayers(), 3),
  networkOptions: () => ({ backend: 'reference', workers: 0, maxMemory: 2 ** 24 }),
  runOptions: () => ({ allowNonFinite: true }),
  options: () => ({}),
};

const streamOfFrame = () =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(preview.encodeFrame(latents() as never, { model: 'nano' }));
      controller.close();
    },
  });

/** Weights from memory: those of the package are unpacked for each instance, in some 20 ms. */
let weights: { encoder: Uint8Array; decoder: Uint8Array } | undefined;
const nano = () => {
  weights ??= {
    encoder: randomWeights('nano', 'encoder'),
    decoder: randomWeights('nano', 'decoder'),
  };
  return weights;
};

let taesd: core.Taesd | undefined;
const instance = async (): Promise<core.Taesd> => {
  taesd ??= await core.Taesd.load({ model: 'nano', workers: 0, weights: nano() });
  return taesd;
};

type Callee = (...args: never[]) => unknown;

/** Every function of a module under its name; classes with `new`. */
function functionsOf(module: object): [string, Callee][] {
  return Object.entries(module).flatMap(([name, value]): [string, Callee][] => {
    if (typeof value !== 'function' || name === 'TaesdError') return [];
    const isClass = /^class/.test(Function.prototype.toString.call(value));
    if (!isClass) return [[name, value as Callee]];
    return [[`new ${name}`, (...args) => Reflect.construct(value, args) as unknown]];
  });
}

const method =
  (name: 'encode' | 'decode' | 'decodeRows' | 'decodeToCanvas' | 'steps'): Callee =>
  async (...args) =>
    drained(((await instance())[name] as Callee)(...args));

/** The calls, each with the values its arguments are made of. */
const CALLS = new Map<string, Callee>([
  ...functionsOf(core).filter(([name]) => name !== 'new Taesd'),
  ...functionsOf(png),
  ...functionsOf(picture),
  ...functionsOf(preview),
  ...functionsOf(element),
  ...functionsOf(latentFile),
  ...functionsOf(network),
  ...functionsOf(remote),
  [
    'network.run',
    async (tensor: never, options: never) => {
      const loaded = await network.loadNetwork(networkLayers(), networkTensors(networkLayers(), 3));
      await loaded.run(tensor, options).finally(() => loaded.dispose());
    },
  ],
  [
    'loadNetwork',
    (layers: never, weights: never, options: never) =>
      network.loadNetwork(layers, weights, options).then((one) => one.dispose()),
  ],
  ['load', (...args) => core.Taesd.load(...(args as [])).then((one) => one.dispose())],
  ['encode', method('encode')],
  ['decode', method('decode')],
  ['decodeRows', method('decodeRows')],
  ['decodeToCanvas', method('decodeToCanvas')],
  ['steps', method('steps')],
  [
    'PngRowWriter',
    (head: never, options: never, ...bands: never[]) => {
      const writer = new png.PngRowWriter(head, options);
      for (const band of bands) writer.write(band);
      writer.end();
    },
  ],
  [
    'StreamPreview',
    async (source: never, options: never) => {
      const shown = preview.previewFrom(source, await instance(), options);
      // Not every connection ends by itself.
      const stop = setTimeout(() => shown.stop(), 50);
      await shown.done.finally(() => clearTimeout(stop));
    },
  ],
  [
    'Previewer',
    async (options: never, sample: never, step: never) => {
      const previewer = preview.createPreviewer(await instance(), options);
      previewer.push(sample, step);
      await previewer.idle();
      previewer.stop();
    },
  ],
] as [string, Callee][]);

/** The arguments that make a call succeed. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  ...{
    load: ['loadOptions'],
    encode: ['image', 'encodeOptions'],
    decode: ['latents', 'decodeOptions'],
  },
  ...{ decodeRows: ['latents', 'options'], decodeToCanvas: ['latents', 'canvas', 'options'] },
  ...{
    steps: ['latents', 'stepsOptions'],
    decodePng: ['file', 'pngOptions'],
    encodePng: ['image', 'metadata'],
  },
  ...{ decodeLatentPng: ['file', 'name', 'options'], encodeLatentPng: ['latentFile'] },
  ...{ decodeLatentSafetensors: ['bytes'], encodeLatentSafetensors: ['latentFile'] },
  ...{
    readLatents: ['file', 'readOptions'],
    readSafetensors: ['bytes'],
    toTensor: ['stored', 'name'],
  },
  ...{
    writeSafetensors: ['entries', 'metadata'],
    pictureSize: ['file'],
    decodePicture: ['file', 'options'],
  },
  ...{
    sizeWithin: ['number', 'number', 'number'],
    predictOriginal: ['latents', 'latents', 'prediction'],
  },
  ...{ nanoFor: ['name'], createRemote: ['remoteOptions'] },
  ...{ encodeFrame: ['latents', 'frameOptions'], decodeFrame: ['frame'] },
  ...{ StreamPreview: ['stream', 'streamOptions'] },
  ...{ defineTaesdPreview: ['elementName'] },
  ...{ toVaeLatents: ['latents', 'name'], fromVaeLatents: ['latents', 'name'] },
  ...{ quantizeLatents: ['floats'], dequantizeLatents: ['bytes'], latentsToPicture: ['latents'] },
  ...{ pictureToLatents: ['image', 'number'], encodePngRows: ['header', 'bands', 'rowsOptions'] },
  ...{
    loadNetwork: ['layers', 'layerWeights', 'networkOptions'],
    runNetwork: ['layers', 'layerWeights', 'latents', 'networkOptions'],
    'network.run': ['latents', 'runOptions'],
  },
  ...{
    PngRowWriter: ['header', 'rowsOptions', 'band', 'band'],
    Previewer: ['previewOptions', 'latents', 'step'],
  },
};

async function drained(result: unknown): Promise<void> {
  const value = await result;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  let count = 0;
  if (Symbol.asyncIterator in value) {
    for await (const _ of value as AsyncIterable<unknown>) if (++count > 3) break;
  } else if (Symbol.iterator in value && typeof value[Symbol.iterator] === 'function') {
    for (const _ of value as Iterable<unknown>) if (++count > 3) break;
  }
}

function made(spec: Spec | undefined): unknown {
  if (typeof spec !== 'object' || spec === null) return undefined;
  if ('odd' in spec) return ODD[Math.abs(Math.trunc(spec.odd)) % ODD.length]();
  const value = (GOOD[spec.good] ?? GOOD.options)();
  if (typeof value !== 'object' || value === null || value === core.VARIANTS.taesd) return value;
  for (const [key, part] of Object.entries(spec.set ?? {})) {
    if (key === '__proto__' || Object.isFrozen(value)) continue;
    try {
      Object.defineProperty(value, key, {
        value: made(part),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } catch {
      // An element of a typed array.
    }
  }
  return value;
}

const KEYS = [
  ...[
    'shape',
    'data',
    'width',
    'height',
    'model',
    'weights',
    'only',
    'signal',
    'onProgress',
    'workers',
  ],
  ...[
    'precision',
    'backend',
    'wasm',
    'maxMemory',
    'device',
    'fallback',
    'allowNonFinite',
    'download',
  ],
  ...[
    'onDownload',
    'output',
    'space',
    'part',
    'alpha',
    'background',
    'range',
    'maxSize',
    'colorSpace',
  ],
  ...[
    'maxPixels',
    'colour',
    'name',
    'tensor',
    'dtype',
    'pick',
    'prediction',
    'alphaCumprod',
    'sigma',
  ],
  ...[
    'sign',
    'sample',
    'step',
    'onFrame',
    'onError',
    'text',
    'channels',
    'y',
    'rows',
    'latents',
    'bytes',
  ],
  ...['strides', 'offset', 'layout', 'buffer', '0', '1', 'length', 'encoder', 'decoder', 'unknown'],
  ...[
    'pixelFormat',
    'close',
    'dims',
    'type',
    'constructor',
    'then',
    'toString',
    'every',
    'maxFrames',
  ],
];

function someSpec(random: Random, usual?: string): Spec {
  if (random.oneIn(3)) return { odd: random.below(ODD.length) };
  const good = usual !== undefined && !random.oneIn(5) ? usual : random.pick(Object.keys(GOOD));
  const set: Record<string, Spec> = {};
  for (let n = random.below(3); n > 0; n--) set[random.pick(KEYS)] = someSpec(random);
  return { good, set };
}

function someCall(random: Random): Call {
  const call = random.pick([...CALLS.keys()]);
  const usual = USUAL[call] ?? [];
  const count = random.oneIn(6) ? random.below(5) : usual.length;
  return { call, args: Array.from({ length: count }, (_, i) => someSpec(random, usual[i])) };
}

async function run({ call, args }: Call): Promise<string> {
  const callee = CALLS.get(call) as Callee;
  const values = args.map(made) as never[];
  try {
    await drained(callee(...values));
    return `${call} ok`;
  } catch (error) {
    return `${call} ${callersOutcome(error) ?? refusal(error)}`;
  }
}

let known: string | undefined;
let putBack: (() => void) | undefined;

export const api: Target = {
  name: 'api',
  batch: 64,
  maxBytes: 3000,
  async prepare() {
    putBack = keepSurroundings();
    process.env.XDG_CACHE_HOME = process.env.HOME = '/nonexistent';
    // The instance is `nano` by default, which a warning says.
    console.warn = () => undefined;
    globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'));
    await instance();
  },
  seeds: () =>
    [...CALLS.keys()].map((call) =>
      written({ call, args: (USUAL[call] ?? []).map((good) => ({ good })) } satisfies Call),
    ),
  generate: (random) => written(someCall(random)),
  mutate(random, input, other) {
    const [own, second] = [read<Call>(input), read<Call>(other)];
    if (!Array.isArray(own?.args) || !Array.isArray(second?.args)) return written(someCall(random));
    const args = [...own.args] as Spec[];
    const usual = USUAL[own.call] ?? [];
    const at = random.below(args.length || 1);
    const one = args[at];
    if (random.oneIn(4)) changeList(random, args, second.args as Spec[], () => someSpec(random));
    else if (one !== undefined && 'good' in one && random.oneIn(2)) {
      args[at] = { ...one, set: { ...one.set, [random.pick(KEYS)]: someSpec(random) } };
    } else args[at] = someSpec(random, usual[at]);
    return written({ call: random.oneIn(20) ? second.call : own.call, args: args.slice(0, 6) });
  },
  smaller: smallerJson,
  show: shown,
  run(input) {
    const call = read<Call>(input);
    if (!Array.isArray(call?.args) || !CALLS.has(call.call)) return 'no call';
    return run(call);
  },
  async check() {
    const { data } = await (await instance()).decode(latents());
    const now = Buffer.from(data).toString('base64');
    known ??= now;
    if (now !== known) throw new WrongResult('the instance decodes otherwise than before');
  },
  end() {
    putBack?.();
    taesd?.dispose();
    taesd = undefined;
  },
};
