// The files beside the repository that the benchmark needs, and the work of every contestant.
import { existsSync, readFileSync } from 'node:fs';
import { readSafetensors, toTensor } from '../../dist/index.js';
import { VARIANTS } from '../../dist/model/variants.js';
import { MODELS } from './models.mjs';

const SHARED = new URL('../../../shared/', import.meta.url);
/** The names, shapes and exponents of seeded weights, and the formula that makes their numbers. */
export const SEEDED_SHAPES = new URL('weights/random/random-weights.json', SHARED);
export const SEEDED_FORMULA = new URL('weights/random/randw.mjs', SHARED);

export function weightsUrl(part, model = 'taesd') {
  const ending = model === 'taef2' ? 'pth' : 'safetensors';
  return new URL(`weights/${model}_${part}.${ending}`, SHARED);
}
export const onnxUrl = (part, model = 'taesd') =>
  new URL(`peers/${MODELS[model].peers}_${part}.onnx`, SHARED);
const goldenUrl = (model) => new URL(MODELS[model].golden, SHARED);

/** Returns the first of the shared files that is missing, or undefined. */
export function missingFile() {
  const needed = Object.entries(MODELS).flatMap(([model, { seeded, isInPackage = false }]) => {
    if (isInPackage) return [goldenUrl(model)];
    if (seeded) {
      return [goldenUrl(model), SEEDED_SHAPES, SEEDED_FORMULA, onnxUrl('decoder', model)];
    }
    const files = (part) => [weightsUrl(part, model), onnxUrl(part, model)];
    return [goldenUrl(model), ...files('encoder'), ...files('decoder')];
  });
  return needed.find((url) => !existsSync(url))?.pathname;
}

/**
 * Latents, with PyTorch's results: { input, output } for each half. The encoder's are there if the
 * latents belong to a picture. The picture of taesd has 512×512 pixels.
 */
export function goldenTrip(model = 'taesd') {
  const { tensors } = readSafetensors(readFileSync(goldenUrl(model)));
  const tensor = (name) => lastFrame(toTensor(tensors.get(name), name, 'golden'));
  const latents = tensor('latents');
  // The frames of a video are clamped in `decoded`, and not in `decoded_raw`.
  const decoded = tensor(tensors.has('decoded_raw') ? 'decoded_raw' : 'decoded');
  const decoder = { input: latents, output: decoded };
  if (!tensors.has('image')) return { decoder };
  const { shape, bytes } = tensors.get('image');
  const picture = { shape, data: Float32Array.from(bytes, (byte) => byte / 255) };
  return { encoder: { input: picture, output: latents }, decoder };
}

/** Returns the last frame of a video [1, T, C, H, W], the one that is shown of a picture. */
function lastFrame({ shape, data }) {
  if (shape.length === 4) return { shape, data };
  const frame = [1, ...shape.slice(2)];
  return { shape: frame, data: data.slice(-frame.reduce((a, b) => a * b)) };
}

/** Returns the sides of a half's input for a picture of some size. */
export function inputSize(part, model, { height, width }) {
  const scale = part === 'decoder' ? VARIANTS[model].downscale : 1;
  return [height / scale, width / scale];
}

/** Returns a tensor [1, C, height, width] that repeats `tensor`. */
export function tile({ shape, data }, height, width) {
  const [, channels, h, w] = shape;
  if (h === height && w === width) return { shape, data };
  const out = new Float32Array(channels * height * width);
  let target = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * h + (y % h)) * w;
      for (let x = 0; x < width; x++) out[target++] = data[row + (x % w)];
    }
  }
  return { shape: [1, channels, height, width], data: out };
}
