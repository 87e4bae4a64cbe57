// A request's body → latents, checked as far as can be before anything is decoded.
import { decodeLatentPng } from 'taesd-wasm/latent-file';
import { HttpProblem } from './http-problem.mjs';

/** The picture is this many times as wide and as high as its latent. */
const LATENT_SCALE = 8;
/** f32 numbers, four to a latent. */
const CHANNELS = 4;
const LATENT_BYTES = CHANNELS * Float32Array.BYTES_PER_ELEMENT;

/** Of a body that is too large no more than this is read, and none of one that says that it is larger. */
const MOST_DISCARDED = 2 ** 25;

/** Signature, length and name of IHDR, then width and height. */
const PNG_SIZE_AT = 16;
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];

/**
 * @typedef {object} Limits
 * @property {number} width  of the picture: memory grows with it
 * @property {number} pixels  of the picture: time grows with them
 *
 * @typedef {object} Work
 * @property {{ shape: number[], data: Float32Array }} latents
 * @property {number} width  of the picture
 * @property {number} height
 */

/**
 * @param {Request} request  a latent PNG, or f32 latents [4, h, w] with the latent's width and height in the query
 * @param {Limits} limits
 * @returns {Promise<Work>}
 * @throws HttpProblem, TaesdError
 */
export async function readLatents(request, limits) {
  // Both are the same in capitals.
  const encoding = (request.headers.get('content-encoding') ?? 'identity').toLowerCase();
  if (encoding !== 'identity') throw wrongType('content-encoding', 'none', encoding);
  const [mediaType] = (request.headers.get('content-type') ?? 'none').split(';', 1);
  const type = mediaType.trim().toLowerCase();
  if (type === 'image/png') return readPng(request, limits);
  if (type === 'application/octet-stream') return readRaw(request, limits);
  throw wrongType('content-type', 'image/png or application/octet-stream', type);
}

/** @param {Request} request @param {Limits} limits */
async function readPng(request, limits) {
  // As many bytes as the same latents have in f32: four times what an 8-bit PNG needs that compresses nothing.
  const most = (limits.pixels / LATENT_SCALE ** 2) * LATENT_BYTES;
  const bytes = await readBody(request, most);
  checkPngSize(bytes, limits);
  const { latents, model = 'taesd', width, height } = decodeLatentPng(bytes);
  if (model !== 'taesd') {
    const hint = 'made by another model; its colours would be wrong';
    throw new HttpProblem(422, 'SHAPE', says('latents', 'those of taesd', model, hint));
  }
  const [, , latentHeight, latentWidth] = latents.shape;
  return {
    latents,
    width: width ?? latentWidth * LATENT_SCALE,
    height: height ?? latentHeight * LATENT_SCALE,
  };
}

/** Before it is inflated: a small file may say that it is a large picture. */
function checkPngSize(bytes, limits) {
  const isPng = PNG_SIGNATURE.every((byte, i) => bytes[i] === byte);
  // decodeLatentPng says what is wrong with anything else.
  if (!isPng || bytes.length < PNG_SIZE_AT + 8) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + PNG_SIZE_AT);
  checkSize(view.getUint32(0), view.getUint32(4), limits);
}

/** @param {Request} request @param {Limits} limits */
async function readRaw(request, limits) {
  const { searchParams } = new URL(request.url);
  const [width, height] = ['width', 'height'].map((name) => {
    const text = searchParams.get(name) ?? 'none';
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    const hint = `the latent's, ?width=64&height=64 for 512×512 pixels`;
    throw new HttpProblem(400, 'ARG', says(name, 'a whole number from 1 on', text, hint));
  });
  checkSize(width, height, limits);
  const length = width * height * LATENT_BYTES;
  // One byte more, to tell a longer body from a whole one.
  const bytes = await readBody(request, length, (got) => {
    const rule = `${length} bytes, f32 [${CHANNELS},${height},${width}]`;
    return new HttpProblem(400, 'SHAPE', says('body', rule, got));
  });
  if (bytes.length < length) {
    const rule = `${length} bytes, f32 [${CHANNELS},${height},${width}]`;
    throw new HttpProblem(400, 'TRUNCATED', says('body', rule, `${bytes.length}`));
  }
  // Little-endian, as every machine is that this runs on.
  const data = new Float32Array(bytes.buffer);
  // The decoder would find it too, but only when its turn has come.
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    const got = `${data[at]} at element ${at}`;
    throw new HttpProblem(422, 'NONFINITE', says('latents', 'finite numbers', got));
  }
  return {
    latents: { shape: [1, CHANNELS, height, width], data },
    width: width * LATENT_SCALE,
    height: height * LATENT_SCALE,
  };
}

/** @param {number} latentWidth @param {number} latentHeight @param {Limits} limits */
function checkSize(latentWidth, latentHeight, limits) {
  const [width, height] = [latentWidth * LATENT_SCALE, latentHeight * LATENT_SCALE];
  if (width <= limits.width && width * height <= limits.pixels) return;
  const rule = `at most ${limits.width} pixels of width and ${limits.pixels} in all`;
  throw new HttpProblem(413, 'LIMIT', says('picture', rule, `${width}×${height}`));
}

/**
 * The body, of which a client may announce anything or nothing: counted as it comes.
 *
 * @param {Request} request
 * @param {number} most
 * @param {(got: string) => HttpProblem} [tooLong]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readBody(request, most, tooLong = tooLarge(most)) {
  const reader = request.body?.getReader();
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > most) {
    await discard(reader, announced);
    throw tooLong(`${announced}`);
  }
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await readPiece(reader);
    if (done) break;
    length += value.length;
    if (length > most) {
      pieces.length = 0;
      await discard(reader, length);
      throw tooLong('more');
    }
    pieces.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A request may have no body at all. */
async function readPiece(reader) {
  try {
    return (await reader?.read()) ?? { done: true };
  } catch {
    const message = says('body', 'the whole', 'a connection that broke');
    throw new HttpProblem(400, 'TRUNCATED', message);
  }
}

/**
 * Reads on without keeping anything: many clients see a broken connection in place of the answer, if it comes while they
 * still send.
 */
async function discard(reader, length) {
  let left = MOST_DISCARDED - length;
  while (left > 0) {
    const { done, value } = await readPiece(reader);
    if (done) return;
    left -= value.length;
  }
  await reader?.cancel().catch(() => undefined);
}

const tooLarge = (most) => (got) =>
  new HttpProblem(413, 'LIMIT', says('body', `at most ${most} bytes`, got));

const wrongType = (what, rule, got) => new HttpProblem(415, 'TYPE', says(what, rule, got));

/** The package's grammar of messages. What comes from outside is cut. */
const says = (what, rule, got, hint) =>
  `decode: "${what}" expected ${rule}, got ${got.slice(0, 100)}${hint ? ` (${hint})` : ''}`;
