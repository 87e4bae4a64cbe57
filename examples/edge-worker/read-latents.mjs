// Reads a request's body into latents, and checks all it can before anything is decoded.
import { VARIANTS } from 'taesd-wasm';
import { decodeLatentPng } from 'taesd-wasm/latent-file';
import { HttpProblem } from './http-problem.mjs';
import { readBody } from './read-body.mjs';

/** The picture is `downscale` times as wide and as high as its latent, whose numbers are f32. */
const { downscale: DOWNSCALE, latentChannels: CHANNELS } = VARIANTS.taesd;
const LATENT_BYTES = CHANNELS * Float32Array.BYTES_PER_ELEMENT;

/** The offset of width and height: behind the signature, and the length and name of IHDR. */
const PNG_SIZE_AT = 16;
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];

/**
 * @typedef {object} Limits
 * @property {number} width  the picture's largest width: memory grows with it
 * @property {number} pixels  the picture's largest number of pixels: time grows with it
 * @property {number} bodyMs  milliseconds in which the whole body must come
 *
 * @typedef {object} Work
 * @property {{ shape: number[], data: Float32Array }} latents
 * @property {number} width  the picture's
 * @property {number} height
 */

/**
 * @param {Request} request  a latent PNG, or f32 latents [4, h, w] with the latent's width and
 *   height in the query
 * @param {Limits} limits
 * @param {import('./read-body.mjs').Room} room  counts the body's bytes while it is read
 * @returns {Promise<Work>}
 * @throws HttpProblem, TaesdError
 */
export async function readLatents(request, limits, room) {
  // Both headers may be in capitals.
  const encoding = (request.headers.get('content-encoding') ?? 'identity').toLowerCase();
  if (encoding !== 'identity') throw wrongType('content-encoding', 'none', encoding);
  const [mediaType] = (request.headers.get('content-type') ?? 'none').split(';', 1);
  const type = mediaType.trim().toLowerCase();
  if (type === 'image/png') return readPng(request, limits, room);
  if (type === 'application/octet-stream') return readRaw(request, limits, room);
  throw wrongType('content-type', 'image/png or application/octet-stream', type);
}

async function readPng(request, limits, room) {
  // The size of such latents in f32: four times that of an 8-bit PNG without compression.
  const maxBytes = (limits.pixels / DOWNSCALE ** 2) * LATENT_BYTES;
  const { bodyMs } = limits;
  const tooLong = tooLarge(maxBytes);
  const bytes = await readBody(request, { maxBytes, tooLong, bodyMs, room });
  checkPngSize(bytes, limits);
  const { latents, model = 'taesd', width, height } = decodeLatentPng(bytes);
  if (model !== 'taesd') {
    const hint = 'made by another model; its colours would be wrong';
    throw new HttpProblem(422, 'SHAPE', says('latents', 'those of taesd', model, hint));
  }
  const [, , latentHeight, latentWidth] = latents.shape;
  return {
    latents,
    width: width ?? latentWidth * DOWNSCALE,
    height: height ?? latentHeight * DOWNSCALE,
  };
}

/** Checks the size before anything is inflated: a small file may claim to be a large picture. */
function checkPngSize(bytes, limits) {
  const isPng = PNG_SIGNATURE.every((byte, i) => bytes[i] === byte);
  // decodeLatentPng reports the fault of any other file.
  if (!isPng || bytes.length < PNG_SIZE_AT + 8) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + PNG_SIZE_AT);
  checkSize(view.getUint32(0), view.getUint32(4), limits);
}

async function readRaw(request, limits, room) {
  const { searchParams } = new URL(request.url);
  const [width, height] = ['width', 'height'].map((name) => {
    const text = searchParams.get(name) ?? 'none';
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    const hint = `the latent's, ?width=64&height=64 for 512×512 pixels`;
    throw new HttpProblem(400, 'ARG', says(name, 'a whole number from 1 on', text, hint));
  });
  checkSize(width, height, limits);
  const length = width * height * LATENT_BYTES;
  const rule = `${length} bytes, f32 [${CHANNELS},${height},${width}]`;
  const tooLong = (got) => new HttpProblem(400, 'SHAPE', says('body', rule, got));
  const { bodyMs } = limits;
  const bytes = await readBody(request, { maxBytes: length, tooLong, bodyMs, room });
  if (bytes.length < length) {
    throw new HttpProblem(400, 'TRUNCATED', says('body', rule, `${bytes.length}`));
  }
  // Every machine this runs on is little-endian.
  const data = new Float32Array(bytes.buffer);
  // The decoder checks this too, but only when its turn has come.
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    const got = `${data[at]} at element ${at}`;
    throw new HttpProblem(422, 'NONFINITE', says('latents', 'finite numbers', got));
  }
  return {
    latents: { shape: [1, CHANNELS, height, width], data },
    width: width * DOWNSCALE,
    height: height * DOWNSCALE,
  };
}

/** @param {number} latentWidth @param {number} latentHeight @param {Limits} limits */
function checkSize(latentWidth, latentHeight, limits) {
  const [width, height] = [latentWidth * DOWNSCALE, latentHeight * DOWNSCALE];
  if (width <= limits.width && width * height <= limits.pixels) return;
  const rule = `at most ${limits.width} pixels of width and ${limits.pixels} in all`;
  throw new HttpProblem(413, 'LIMIT', says('picture', rule, `${width}×${height}`));
}

const tooLarge = (maxBytes) => (got) =>
  new HttpProblem(413, 'LIMIT', says('body', `at most ${maxBytes} bytes`, got));

const wrongType = (what, rule, got) => new HttpProblem(415, 'TYPE', says(what, rule, got));

/** Writes a message in the package's grammar. Text from outside is cut to 100 characters. */
const says = (what, rule, got, hint) =>
  `decode: "${what}" expected ${rule}, got ${got.slice(0, 100)}${hint ? ` (${hint})` : ''}`;
