// The requests of load.mjs, each with the answer it must get.
import { request as httpRequest } from 'node:http';
import { Taesd } from 'taesd-wasm';
import { decodeLatentPng } from 'taesd-wasm/latent-file';
import { decodePicture } from 'taesd-wasm/picture';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { pngRequest, rawRequest, sampleLatents } from '../edge-worker/tools/sample.mjs';
import { renderPicture } from '../render-picture.mjs';

/** The scale of Stable Diffusion's latents. */
const SCALE = 0.18215;
/** The least PSNR of a JPEG beside the picture it was made of. */
const JPEG_DB = 34;

/**
 * A kind of request.
 * @typedef {{ name: string, run: () => Promise<string | undefined> }} Kind  `run` returns the
 *   problem with the answer, if there is one
 */

/** The kinds that every server of this handler answers. @returns {Promise<Kind[]>} */
export async function plainKinds(origin) {
  const { good, bad, goneWhileReading, goneBefore, goneWhileSending } = clients(origin);
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const [small, middle, picture, large] = [
    await sampleLatents(8, 8),
    await sampleLatents(32, 16),
    await sampleLatents(64, 64),
    await sampleLatents(128, 128),
  ];
  const png = pngRequest(await sampleLatents(16, 16), { width: 121, height: 128 });
  const stored = decodeLatentPng(png[1].body);
  const broken = png[1].body.slice();
  broken[60] ^= 1;
  const notFinite = small.data.slice();
  notFinite[7] = Number.POSITIVE_INFINITY;
  const ofPng = await nano.decode(stored.latents, { width: 121, height: 128 });
  const of = async (latents) => samePixels(await nano.decode(latents));
  return [
    { name: 'f32, 64×64', run: good(rawRequest(small), await of(small)) },
    { name: 'a latent PNG, 121×128', run: good(png, samePixels(ofPng)) },
    { name: 'broken PNG', run: bad(['/decode', { ...png[1], body: broken }], 400, 'INTEGRITY') },
    { name: 'f32, 256×128', run: good(rawRequest(middle), await of(middle)) },
    { name: 'gone while it reads, 1024×1024', run: goneWhileReading(rawRequest(large)) },
    { name: 'f32, 512×512, reads slowly', run: good(rawRequest(picture), await of(picture), 10) },
    {
      name: 'too large',
      run: bad(post('/decode?width=9999&height=9999', small.data), 413, 'LIMIT'),
    },
    { name: 'gone before the answer', run: goneBefore(rawRequest(large)) },
    {
      name: 'not finite',
      run: bad(post('/decode?width=8&height=8', notFinite), 422, 'NONFINITE'),
    },
    { name: 'gone while it sends', run: goneWhileSending(rawRequest(large)) },
  ];
}

/** The kind of request that is sent beside stalled clients. @returns {Promise<Kind[]>} */
export async function besideStalled(origin) {
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const latents = await sampleLatents(32, 32);
  const check = samePixels(await nano.decode(latents));
  return [{ name: 'f32, 256×256', run: clients(origin).good(rawRequest(latents), check) }];
}

/** diffusers' protocol in each of its forms, for a server with all small models and JPEG. */
export async function protocolKinds(origin) {
  const { good, bad, goneWhileReading, goneWhileSending } = clients(origin);
  const load = (model) => Taesd.load({ model, workers: 0 });
  const [nano, flux] = [await load('nano'), await load('nano-flux1')];
  const latents = exact(await sampleLatents(32, 32));
  const [picture, inVae] = [
    await nano.decode(latents),
    await nano.decode(latents, { space: 'vae' }),
  ];
  const two = exact(await sampleLatents(24, 32));
  const batch = { shape: [2, 4, 16, 24], data: two.data };
  const pictures = [0, 1].map((n) => ({
    shape: [1, 4, 16, 24],
    data: two.data.slice(n * 4 * 16 * 24, (n + 1) * 4 * 16 * 24),
  }));
  const ofBatch = [await nano.decode(pictures[0]), await nano.decode(pictures[1])];
  const packed = packedLatents(16, 24);
  const ofPacked = await flux.decode(packed.map);
  const small = renderPicture(128);
  const file = encodePng(small);
  const encoded = await nano.encode(small);
  const scaled = { scaling_factor: SCALE };
  const query = (shape, more) => protocolQuery(shape, { ...scaled, output_type: 'pil', ...more });
  const ask = (numbers, type, more, shape = numbers.shape) =>
    post(`/decode?${query(shape, { dtype: type, ...more })}`, bytesOf(numbers.data, type));
  const jpeg = ask(latents, 'float16', { image_format: 'jpg' });
  return [
    { name: 'pil, PNG, float16', run: good(ask(latents, 'float16'), samePixels(picture)) },
    { name: 'pil, JPEG, float16', run: good(jpeg, nearPixels(picture)) },
    { name: 'pil, PNG, bfloat16', run: good(ask(latents, 'bfloat16'), samePixels(picture)) },
    {
      name: 'pil, PNG, float32, no scaling',
      run: good(ask(latents, 'float32', { scaling_factor: undefined }), samePixels(inVae)),
    },
    {
      name: 'pt, float16',
      run: good(ask(latents, 'float16', { output_type: 'pt' }), sameTensor([picture])),
    },
    {
      name: 'pt, 8 bits, batch of 2',
      run: good(
        ask(batch, 'float32', { output_type: 'pt', partial_postprocess: 'True' }),
        sameBytes(ofBatch),
      ),
    },
    {
      name: 'packed FLUX.1, PNG',
      run: good(
        ask(packed.tokens, 'float16', {
          scaling_factor: 0.3611,
          shift_factor: 0.1159,
          ...packed.size,
        }),
        samePixels(ofPacked),
      ),
    },
    {
      name: 'encode a PNG',
      run: good(
        [
          '/encode?scaling_factor=0.18215',
          { method: 'POST', headers: { 'content-type': 'image/png' }, body: file },
        ],
        sameLatents(encoded),
      ),
    },
    { name: 'JPEG, read slowly', run: good(jpeg, nearPixels(picture), 10) },
    { name: 'no shape', run: bad(post('/decode?dtype=float16', latents.data), 400, 'ARG') },
    {
      name: 'a shape that is not the body’s',
      run: bad(ask(latents, 'float16', {}, [1, 4, 64, 64]), 400, 'TRUNCATED'),
    },
    {
      name: 'a shape of no model',
      run: bad(ask(latents, 'float16', {}, [1, 5, 32, 32]), 422, 'SHAPE'),
    },
    { name: 'an odd type', run: bad(ask(latents, 'float16', { dtype: 'int3' }), 400, 'ARG') },
    {
      name: 'video',
      run: bad(ask(latents, 'float16', { output_type: 'mp4' }), 501, 'UNSUPPORTED'),
    },
    {
      name: 'a picture that is none, to encode',
      run: bad(
        [
          '/encode',
          { method: 'POST', headers: { 'content-type': 'image/png' }, body: file.slice(0, 60) },
        ],
        400,
        'TRUNCATED',
      ),
    },
    {
      name: 'gone while it reads a tensor',
      run: goneWhileReading(ask(latents, 'float32', { output_type: 'pt' })),
    },
    { name: 'gone while it sends a tensor', run: goneWhileSending(ask(latents, 'float32')) },
  ];
}

/** @returns {[string, RequestInit]} path and options of fetch */
function post(path, body) {
  const headers = { 'content-type': 'application/octet-stream' };
  return [path, { method: 'POST', headers, body: new Uint8Array(body.buffer ?? body) }];
}

/** Writes a query as Python's requests does: lists as repeated names, `None` left out. */
function protocolQuery(shape, parameters) {
  const query = new URLSearchParams(shape.map((size) => ['shape', `${size}`]));
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, `${value}`);
  }
  return query;
}

/** Rounds latents to numbers that float16 and bfloat16 hold without a loss. */
function exact({ shape, data }) {
  return {
    shape,
    data: data.map((x) => Math.max(-3.9, Math.min(3.9, x))).map((x) => Math.round(32 * x) / 32),
  };
}

/** @param {'float16' | 'bfloat16' | 'float32'} type  `data` must fit it without a loss */
function bytesOf(data, type) {
  if (type === 'float32') return new Uint8Array(data.slice().buffer);
  const bits = new Uint32Array(data.slice().buffer);
  const halves = type === 'bfloat16' ? bits.map((one) => one >>> 16) : bits.map(halfBits);
  return new Uint8Array(Uint16Array.from(halves).buffer);
}

/** Narrows the bits of a number that float16 holds as a normal one, or of zero. */
const halfBits = (bits) =>
  bits << 1 === 0
    ? bits >>> 16
    : ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);

/** Widens float16. The smallest numbers become 0. */
function fromHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const size = exponent === 0 ? 0 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

/** Makes FLUX.1's latents as a map [1, 16, h, w] and as tokens [1, h/2 · w/2, 64]. */
function packedLatents(height, width) {
  const data = Float32Array.from(
    { length: 16 * height * width },
    (_, i) => Math.round(32 * 1.5 * Math.sin(i / 37 + Math.floor(i / (height * width)))) / 32,
  );
  const [rows, columns] = [height / 2, width / 2];
  const tokens = new Float32Array(data.length);
  for (let i = 0; i < tokens.length; i++) {
    const [token, part] = [Math.floor(i / 64), i % 64];
    const [c, dy, dx] = [part >> 2, (part >> 1) & 1, part & 1];
    const [y, x] = [2 * Math.floor(token / columns) + dy, 2 * (token % columns) + dx];
    tokens[i] = data[(c * height + y) * width + x];
  }
  return {
    map: { shape: [1, 16, height, width], data },
    tokens: { shape: [1, rows * columns, 64], data: tokens },
    size: { height: 8 * height, width: 8 * width },
  };
}

/** Checks for the pixels of a picture, as a PNG. */
const samePixels =
  (picture) =>
  ({ bytes }) => {
    const decoded = decodePng(bytes);
    const isRight = decoded.width === picture.width && decoded.height === picture.height;
    return isRight && Buffer.compare(decoded.data, Buffer.from(picture.data.buffer)) === 0
      ? undefined
      : 'other pixels';
  };

/** Checks for a JPEG near a picture. */
const nearPixels =
  (picture) =>
  async ({ bytes, headers }) => {
    if (headers.get('content-type') !== 'image/jpeg') return `${headers.get('content-type')}`;
    const { data } = await decodePicture(bytes);
    const opaque = data.length / picture.width / picture.height;
    let sum = 0;
    for (let i = 0; i < picture.data.length; i++) {
      if (i % 4 !== 3) sum += (picture.data[i] - data[Math.floor(i / 4) * opaque + (i % 4)]) ** 2;
    }
    const decibels = 10 * Math.log10(255 ** 2 / (sum / (0.75 * picture.data.length)));
    return decibels > JPEG_DB ? undefined : `${decibels.toFixed(1)} dB`;
  };

/** Checks for pictures as RGB bytes [N, H, W, 3]. */
const sameBytes =
  (pictures) =>
  ({ bytes, headers }) => {
    const [{ width, height }] = pictures;
    const shape = JSON.stringify([pictures.length, height, width, 3]);
    if (headers.get('shape').replaceAll(' ', '') !== shape) return `shape ${headers.get('shape')}`;
    const colours = pictures.flatMap(({ data }) => [...data].filter((_, i) => i % 4 !== 3));
    return Buffer.compare(bytes, Uint8Array.from(colours)) === 0 ? undefined : 'other bytes';
  };

/** Checks for pictures as float16 [N, 3, H, W] in [−1, 1], within half a level of their bytes. */
const sameTensor =
  (pictures) =>
  ({ bytes, headers }) => {
    const [{ width, height, data }] = pictures;
    const shape = JSON.stringify([pictures.length, 3, height, width]);
    if (headers.get('shape').replaceAll(' ', '') !== shape) return `shape ${headers.get('shape')}`;
    if (headers.get('dtype') !== 'float16') return `dtype ${headers.get('dtype')}`;
    const numbers = new Uint16Array(bytes.slice().buffer);
    for (let i = 0; i < numbers.length; i++) {
      const [c, pixel] = [Math.floor(i / (width * height)), i % (width * height)];
      const level = Math.max(0, Math.min(255, 127.5 + 127.5 * fromHalf(numbers[i])));
      if (Math.abs(level - data[4 * pixel + c]) > 0.6) return `other numbers at ${i}`;
    }
    return undefined;
  };

/** Checks for latents as float16, within its rounding. */
const sameLatents =
  ({ shape, data }) =>
  ({ bytes, headers }) => {
    const got = headers.get('shape').replaceAll(' ', '');
    if (got !== JSON.stringify(shape)) return `shape ${got}`;
    const numbers = new Uint16Array(bytes.slice().buffer);
    const other = data.findIndex(
      (x, i) => !(Math.abs(fromHalf(numbers[i]) - x) <= 2e-3 + Math.abs(x) / 500),
    );
    return other === -1 ? undefined : `other latents at ${other}`;
  };

/** The ways to send a request, each of which returns a function for `Kind.run`. */
function clients(origin) {
  const urlOf = (path) => `${origin}${path}`;
  return {
    good:
      ([path, options], check, pauseMs = 0) =>
      async () => {
        const answer = await fetch(urlOf(path), options);
        if (answer.status !== 200) return `${answer.status} ${await answer.text()}`;
        const pieces = [];
        for await (const piece of answer.body) {
          pieces.push(piece);
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        return check({ bytes: new Uint8Array(Buffer.concat(pieces)), headers: answer.headers });
      },
    bad:
      ([path, options], status, code) =>
      async () => {
        const answer = await fetch(urlOf(path), options);
        const got = `${answer.status} ${(await answer.json()).code}`;
        return got === `${status} ${code}` ? undefined : `expected ${status} ${code}, got ${got}`;
      },
    goneWhileReading:
      ([path, options]) =>
      async () => {
        const answer = await fetch(urlOf(path), options);
        const reader = answer.body.getReader();
        await reader.read();
        await reader.cancel();
        return answer.status === 200 ? undefined : `${answer.status}`;
      },
    goneBefore:
      ([path, options]) =>
      async () => {
        const signal = AbortSignal.timeout(3);
        const answer = await fetch(urlOf(path), { ...options, signal }).catch((error) => error);
        // An answer within 3 ms is fine too.
        if (answer instanceof Response) await answer.body.cancel();
        return undefined;
      },
    goneWhileSending:
      ([path, { headers, body }]) =>
      () =>
        new Promise((resolve) => {
          const call = httpRequest(urlOf(path), { method: 'POST', headers, agent: false });
          call.on('error', () => resolve(undefined));
          call.on('response', ({ statusCode }) => resolve(`${statusCode} before it had all`));
          call.write(body.subarray(0, body.length / 2), () => setTimeout(() => call.destroy(), 5));
        }),
  };
}
