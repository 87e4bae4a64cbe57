// The part that runs in the browser: the contestants, and the functions that the script calls.
import { readSafetensors, toTensor } from '/dist/index.js';
import { answerQuestions } from './answer.mjs';

const ADAPTERS = {
  webgpu: ['./adapters/this-project.mjs', { backend: 'webgpu', precision: 'f32' }],
  'webgpu, fast': ['./adapters/this-project.mjs', { backend: 'webgpu', precision: 'fast' }],
  wasm: ['./adapters/this-project.mjs', { backend: 'wasm', precision: 'f32' }],
  onnxruntime: ['./adapters/onnxruntime.mjs'],
  tfjs: ['./adapters/tfjs.mjs'],
};

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
const ready = new Map();
/** The first contestant's output at each size. The outputs of the others are compared with it. */
const wanted = new Map();

const QUESTIONS = {
  async adapter() {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return undefined;
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    const name = [vendor, architecture, device, description].filter(Boolean).join(' ');
    const software = isFallbackAdapter || /swiftshader|llvmpipe|software/i.test(name);
    return { name, software, f16: adapter.features.has('shader-f16') };
  },
  /** @returns ms from the weights in memory to the first picture, without loading the code */
  async first(name, part, size) {
    const [address, options] = ADAPTERS[name];
    const { load } = await import(address);
    const files = await filesOf(part);
    const input = await inputOf(part, size);
    const started = performance.now();
    const contestant = await load(part, files, options);
    const output = await contestant.run(input);
    const ms = performance.now() - started;
    ready.set(`${name} ${part}`, contestant);
    return { ms, ...compare(name, part, size, output), told: contestant.told };
  },
  async run(name, part, size) {
    const input = await inputOf(part, size);
    const started = performance.now();
    await ready.get(`${name} ${part}`).run(input);
    return performance.now() - started;
  },
  /** The first run at a size is not timed. */
  async settle(name, part, size) {
    return compare(
      name,
      part,
      size,
      await ready.get(`${name} ${part}`).run(await inputOf(part, size)),
    );
  },
  /** The default choices of tuning.ts. */
  async tunings() {
    const { defaults } = await import('./tuning.mjs');
    return defaults();
  },
  /** Decodes with other choices. @returns { ms, sum } */
  async tuned(size, runs, changed) {
    const { timeDecodes } = await import('./tuning.mjs');
    const weights = await bytesOf('/shared/weights/taesd_decoder.safetensors');
    return timeDecodes(weights, await inputOf('decoder', size), runs, changed);
  },
  async peak() {
    const { measurePeak } = await import('./peak.mjs');
    return measurePeak();
  },
};

async function filesOf(part) {
  return {
    weights: await bytesOf(`/shared/weights/taesd_${part}.safetensors`),
    onnx: await bytesOf(`/shared/peers/taesd_${part}.onnx`),
  };
}

/** Returns the picture of 512×512 or its latents, cut to the middle or repeated to the size. */
async function inputOf(part, size) {
  const { tensors } = readSafetensors(
    await bytesOf('/shared/golden/taesd-astronaut-512x512.safetensors'),
  );
  const stored = tensors.get(part === 'decoder' ? 'latents' : 'image');
  const { shape, data } =
    part === 'decoder'
      ? toTensor(stored, 'latents', 'bench')
      : { shape: stored.shape, data: Float32Array.from(stored.bytes, (byte) => byte / 255) };
  const [, channels, height, width] = shape;
  const side = part === 'decoder' ? size / 8 : size;
  const from = Math.max(0, (height - side) >> 1);
  const out = new Float32Array(channels * side * side);
  for (let c = 0, at = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      const row = (c * height + ((y + from) % height)) * width;
      for (let x = 0; x < side; x++) out[at++] = data[row + ((x + from) % width)];
    }
  }
  return { shape: [1, channels, side, side], data: out };
}

/** Compares an output with that of the page's first contestant. */
function compare(name, part, size, output) {
  const key = `${part} ${size}`;
  if (!wanted.has(key)) wanted.set(key, output);
  const other = wanted.get(key);
  let largest = 0;
  for (let i = 0; i < other.length; i++)
    largest = Math.max(largest, Math.abs(output[i] - other[i]));
  if (output.length !== other.length) throw new Error(`${name} gives ${output.length} numbers`);
  return { largest };
}

answerQuestions(QUESTIONS);
