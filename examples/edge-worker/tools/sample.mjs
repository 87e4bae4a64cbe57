// Makes latents to try the example with: those of the picture from examples/render-picture.mjs,
// repeated to any size.
import { Taesd } from 'taesd-wasm';
import { encodeLatentPng } from 'taesd-wasm/latent-file';
import { renderPicture } from '../../render-picture.mjs';

const CHANNELS = 4;
let drawn;

/** @param {number} width  the latent's @param {number} height */
export async function sampleLatents(width, height) {
  drawn ??= await encodeDrawn();
  const [, , rows, columns] = drawn.shape;
  const data = new Float32Array(CHANNELS * width * height);
  for (let i = 0; i < data.length; i++) {
    const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
    data[i] = drawn.data[(c * rows + (y % rows)) * columns + (x % columns)];
  }
  return { shape: [1, CHANNELS, height, width], data };
}

async function encodeDrawn() {
  const nano = await Taesd.load({ model: 'nano', only: 'encoder', workers: 0 });
  const latents = await nano.encode(renderPicture());
  nano.dispose();
  return latents;
}

/**
 * Returns the request for f32 latents.
 * @returns {[string, RequestInit]} path and options of fetch
 */
export function rawRequest({ shape: [, , height, width], data }) {
  const headers = { 'content-type': 'application/octet-stream' };
  const body = new Uint8Array(data.buffer);
  return [`/decode?width=${width}&height=${height}`, { method: 'POST', headers, body }];
}

/**
 * Returns the request of diffusers' client for latents in the space of diffusion.
 * @param {string} more  further parameters: `image_format=png`
 * @returns {[string, RequestInit]}
 */
export function protocolRequest({ shape, data }, more) {
  const sizes = shape.map((size) => `shape=${size}`).join('&');
  const headers = { 'content-type': 'tensor/binary' };
  const body = new Uint8Array(data.buffer);
  return [`/?${sizes}&dtype=float32&do_scaling=True&${more}`, { method: 'POST', headers, body }];
}

/** Returns the request for 8-bit latents. @returns {[string, RequestInit]} */
export function pngRequest(latents, size = {}) {
  const headers = { 'content-type': 'image/png' };
  const body = encodeLatentPng({ latents, model: 'taesd', ...size });
  return ['/decode', { method: 'POST', headers, body }];
}
