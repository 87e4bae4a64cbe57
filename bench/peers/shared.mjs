// The files beside the repository that the benchmark needs, and the work of every contestant.
import { existsSync, readFileSync } from 'node:fs';
import { readSafetensors, toTensor } from '../../dist/index.js';

const SHARED = new URL('../../../shared/', import.meta.url);
/** A real picture and its latents for each model, with PyTorch's results. */
const GOLDEN = {
  taesd: new URL('golden/taesd-astronaut-512x512.safetensors', SHARED),
  taef2: new URL('golden/taef2-astronaut-128x96.safetensors', SHARED),
};

export function weightsUrl(part, model = 'taesd') {
  const ending = model === 'taef2' ? 'pth' : 'safetensors';
  return new URL(`weights/${model}_${part}.${ending}`, SHARED);
}
export const onnxUrl = (part, model = 'taesd') => new URL(`peers/${model}_${part}.onnx`, SHARED);

/** Returns the first of the shared files that is missing, or undefined. */
export function missingFile() {
  const needed = Object.entries(GOLDEN).flatMap(([model, golden]) => [
    golden,
    ...['encoder', 'decoder'].flatMap((part) => [weightsUrl(part, model), onnxUrl(part, model)]),
  ]);
  return needed.find((url) => !existsSync(url))?.pathname;
}

/**
 * A real picture and its real latents, with PyTorch's results: { input, output } for each half. The
 * picture of taesd has 512×512 pixels.
 */
export function goldenTrip(model = 'taesd') {
  const { tensors } = readSafetensors(readFileSync(GOLDEN[model]));
  const tensor = (name) => toTensor(tensors.get(name), name, 'golden');
  const { shape, bytes } = tensors.get('image');
  const picture = { shape, data: Float32Array.from(bytes, (byte) => byte / 255) };
  const latents = tensor('latents');
  return {
    encoder: { input: picture, output: latents },
    decoder: { input: latents, output: tensor('decoded') },
  };
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
