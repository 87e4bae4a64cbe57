import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Taesd, TaesdError, type Tensor } from '../../src/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { createRemote, type RemoteHandler, type RemoteOptions } from '../../src/remote/index.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { addressOf, answerOf, bytesOf, decodeRequest, encodeRequest, type Query } from './ask.ts';

/*
 * Requests of the protocol that must be refused: each has a status, a code and a sentence, and the
 * next request is served.
 */

let taesd: Taesd;
let flux: Taesd;
let handler: RemoteHandler;
beforeAll(async () => {
  taesd = await Taesd.load({ model: 'nano', workers: 0 });
  flux = await Taesd.load({ model: 'nano-flux1', workers: 0 });
  const limits = { width: 64, pixels: 64 * 48, batch: 3 };
  handler = createRemote({ models: [taesd, flux], limits });
});
afterAll(() => {
  taesd.dispose();
  flux.dispose();
});

const ours: Tensor = randomTensor(seededRandom(3), [1, 4, 3, 5], 2);
const good = { scaling_factor: 0.18215, output_type: 'pt', partial_postprocess: 'True' };
const refused = async (request: Request) => {
  const { status, json } = await answerOf(handler, request);
  const next = await answerOf(handler, decodeRequest(ours, good));
  expect({ status: next.status, shape: next.shape }).toEqual({
    status: 200,
    shape: [1, 24, 40, 3],
  });
  return [status, json.code, json.message];
};
const withData = (at: number, value: number) => ({
  ...ours,
  data: ours.data.map((x, i) => (i === at ? value : x)),
});

const SIZES = 'a whole number from 1 on';
const HINT = '(?shape=1&shape=4&shape=64&shape=64)';
const OUT_OF_LIMITS = '"picture" expected at most 64 pixels of width and 3072 in all';
const MODELS = '"shape" expected latents of nano [N,4,h,w], nano-flux1 [N,16,h,w]';

describe('queries', () => {
  test.each<[Query, number, string, string]>([
    [{ shape: [] }, 400, 'ARG', `"shape" expected sizes in the query, got none ${HINT}`],
    [{ shape: [1, -4, 3, 5] }, 400, 'ARG', `"shape" expected ${SIZES}, got -4 ${HINT}`],
    [
      { shape: ['1', '4', '3.5', '5'] as never },
      400,
      'ARG',
      `"shape" expected ${SIZES}, got 3.5 ${HINT}`,
    ],
    [
      { shape: ['[1, 4, 3, 5]'] as never },
      400,
      'ARG',
      `"shape" expected ${SIZES}, got [1, 4, 3, 5] ${HINT}`,
    ],
    [{ shape: [1, 4, 1e300, 5] }, 400, 'ARG', `"shape" expected ${SIZES}, got 1e+300 ${HINT}`],
    [{ shape: [0, 4, 3, 5] }, 400, 'ARG', `"shape" expected ${SIZES}, got 0 ${HINT}`],
    [{ shape: [4, 5] }, 422, 'SHAPE', '"shape" expected 3 to 5 axes, got 2'],
    [{ shape: [1, 1, 1, 4, 3, 5] }, 422, 'SHAPE', '"shape" expected 3 to 5 axes, got 6'],
    [{ shape: [1, 5, 3, 4] }, 422, 'SHAPE', `${MODELS}, got [1,5,3,4]`],
    [{ shape: [1, 4, 2, 3, 5] }, 422, 'SHAPE', `${MODELS}, got [1,4,2,3,5]`],
    [{ shape: [1, 4, 999999999, 999999999] }, 413, 'LIMIT', `${OUT_OF_LIMITS}, got Infinity`],
    [{ shape: [1, 4, 7, 7] }, 413, 'LIMIT', `${OUT_OF_LIMITS}, got 3136`],
    [{ shape: [3, 4, 4, 5] }, 413, 'LIMIT', `${OUT_OF_LIMITS}, got 3840`],
    [{ shape: [1, 4, 1, 9] }, 413, 'LIMIT', `${OUT_OF_LIMITS}, got a width of 72`],
    [{ shape: [4, 4, 1, 1] }, 413, 'LIMIT', '"batch" expected at most 3, got 4'],
    [
      { dtype: 'float8' },
      400,
      'ARG',
      '"dtype" expected one of float16, bfloat16, float32, got float8',
    ],
    [{ dtype: [] }, 400, 'ARG', '"dtype" expected one of float16, bfloat16, float32, got none'],
    [{ output_type: 'np' }, 400, 'ARG', '"output_type" expected one of pil, pt, mp4, got np'],
    [
      { output_type: 'mp4' },
      501,
      'UNSUPPORTED',
      '"output_type" expected pil or pt, got mp4 (these models make pictures)',
    ],
    [
      { output_type: 'pil', image_format: 'jpg' },
      501,
      'UNSUPPORTED',
      '"image_format" expected png on this server, got jpg (image_format=png is answered; encodeJpeg of createRemote adds JPEG)',
    ],
    [{ image_format: 'webp' }, 400, 'ARG', '"image_format" expected one of png, jpg, got webp'],
    [
      { output_type: 'pil', image_format: 'png', shape: [2, 4, 1, 1] },
      422,
      'SHAPE',
      '"shape" expected a batch of 1 for output_type=pil, got 2 (output_type=pt answers with all of them)',
    ],
    [
      { partial_postprocess: '1' },
      400,
      'ARG',
      '"partial_postprocess" expected True or False, got 1',
    ],
    [{ scaling_factor: 0 }, 400, 'ARG', '"scaling_factor" expected another number than 0, got 0'],
    [{ scaling_factor: 'nan' }, 400, 'ARG', '"scaling_factor" expected a finite number, got nan'],
    [
      { scaling_factor: '1e999' },
      400,
      'ARG',
      '"scaling_factor" expected a finite number, got 1e999',
    ],
    [{ scaling_factor: '' }, 400, 'ARG', '"scaling_factor" expected a finite number, got nothing'],
    [
      { scaling_factor: [], shift_factor: 1 },
      400,
      'ARG',
      '"scaling_factor" expected a number, because "shift_factor" is given, got none',
    ],
    [{ scaling_factor: [1, 2] }, 400, 'ARG', '"scaling_factor" expected one value, got 2'],
    [
      { scaling_factor: '1e-44' },
      422,
      'NONFINITE',
      '"latents" expected finite numbers after scaling, got scaling 1e-44, shift 0',
    ],
    [{ model: 'taesd' }, 400, 'ARG', '"model" expected one of nano, nano-flux1, got taesd'],
    [
      { model: 'nano-flux1' },
      422,
      'SHAPE',
      '"shape" expected latents of nano-flux1 [N,16,h,w], got [1,4,3,5]',
    ],
    [{ width: 0 }, 400, 'ARG', `"width" expected ${SIZES}, got 0`],
    [
      { width: 41 },
      400,
      'ARG',
      '"width" expected 33 to 40, which a latent of 5 stands for, got 41',
    ],
    [
      { shape: [1, 6, 64], width: 800, height: 32 },
      400,
      'TRUNCATED',
      '"body" expected 768 bytes, float16 [1,6,64], got 120',
    ],
  ])('%j → %i %s', async (more, status, code, message) => {
    expect(await refused(decodeRequest(ours, { ...good, ...more } as never))).toEqual([
      status,
      code,
      `decode: ${message}`,
    ]);
  });

  test('packed latents that make no picture of that size → 422 SHAPE', async () => {
    const packed = randomTensor(seededRandom(5), [1, 6, 64]);
    const more = { ...good, width: 160, height: 32 };
    expect(await refused(decodeRequest(packed, more))).toEqual([
      422,
      'SHAPE',
      'decode: "latents" expected the patches of a picture of 160×32, each 16×16 pixels, got 6',
    ]);
  });

  test('a name of 1 MB in the query → a message of one short line', async () => {
    const [status, code, message] = await refused(
      decodeRequest(ours, { ...good, model: `\u202e\n${'x'.repeat(1e6)}` }),
    );
    expect([status, code]).toEqual([400, 'ARG']);
    expect(message.length).toBeLessThan(300);
    expect(message).toMatch(
      /^decode: "model" expected one of nano, nano-flux1, got \\u202e\\u000ax+…x+$/,
    );
  });
});

describe('bodies', () => {
  const post = (body: BodyInit | null, more: RequestInit = {}) =>
    decodeRequest(ours, good, { body, ...more });
  const bytes = bytesOf(ours, 'float16');

  test.each<[string, () => Request, number, string, string]>([
    [
      'a byte too few',
      () => post(bytes.slice(1)),
      400,
      'TRUNCATED',
      '"body" expected 120 bytes, float16 [1,4,3,5], got 119',
    ],
    [
      'a byte too many',
      () => post(new Uint8Array(121)),
      400,
      'SHAPE',
      '"body" expected 120 bytes, float16 [1,4,3,5], got more',
    ],
    [
      'none',
      () => post(null),
      400,
      'TRUNCATED',
      '"body" expected 120 bytes, float16 [1,4,3,5], got 0',
    ],
    [
      'NaN',
      () => decodeRequest(withData(7, Number.NaN), good),
      422,
      'NONFINITE',
      '"latents" expected finite numbers, got NaN at element 7',
    ],
    [
      'an infinity',
      () => decodeRequest(withData(59, 1e9), good),
      422,
      'NONFINITE',
      '"latents" expected finite numbers, got Infinity at element 59',
    ],
    [
      'a compressed one',
      () => post(bytes, { headers: { 'content-encoding': 'gzip' } }),
      415,
      'TYPE',
      '"content-encoding" expected none, got gzip',
    ],
    [
      'a PNG with a shape',
      () => post(bytes, { headers: { 'content-type': 'image/png' } }),
      415,
      'TYPE',
      '"content-type" expected tensor/binary for a shape in the query, got image/png',
    ],
    [
      'a form',
      () =>
        new Request(addressOf('/', {}), { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
      415,
      'TYPE',
      '"content-type" expected image/png, application/octet-stream, or tensor/binary with a shape in the query, got application/x-www-form-urlencoded',
    ],
    [
      'one that breaks off',
      () =>
        post(
          new ReadableStream({
            pull: (controller) => controller.error(new Error('ECONNRESET')),
          }),
          { duplex: 'half' } as RequestInit,
        ),
      400,
      'TRUNCATED',
      '"body" expected the whole, got a connection that broke',
    ],
  ])('%s', async (_name, request, status, code, message) => {
    expect(await refused(request())).toEqual([status, code, `decode: ${message}`]);
  });

  test('one that stalls → 408 when its time is over', async () => {
    const hasty = createRemote({ models: [taesd], limits: { bodyMs: 100 } });
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(bytes.slice(1)),
    });
    const request = post(body, { duplex: 'half' } as RequestInit);
    const { status, json } = await answerOf(hasty, request);
    expect([status, json.code, json.message]).toEqual([
      ...[408, 'TIMEOUT', 'decode: "body" expected the whole within 100 ms, got a part'],
    ]);
  });

  test.each([
    ['pt', { output_type: 'pt' }],
    ['bytes', good],
    ['png', { image_format: 'png' }],
  ])(
    'a client that goes away before its turn, %s → 408 ABORTED, the next is served',
    async (_n, more) => {
      const signal = AbortSignal.abort();
      expect((await refused(decodeRequest(ours, more, { signal }))).slice(0, 2)).toEqual([
        ...[408, 'ABORTED'],
      ]);
    },
  );

  test('a client that goes away in the middle of pt → 408 ABORTED, the next is served', async () => {
    const { signal, abort } = abortable();
    const slow = createRemote({
      models: ['nano'],
      load: async () => {
        const decode = async (...args: Parameters<Taesd['decode']>) => {
          abort();
          return taesd.decode(...args);
        };
        const decodeRows = taesd.decodeRows.bind(taesd);
        return Object.assign(Object.create(taesd), { decode, decodeRows, dispose: () => {} });
      },
    });
    const { json } = await answerOf(slow, decodeRequest(ours, { output_type: 'pt' }, { signal }));
    expect(json.code).toBe('ABORTED');
    expect((await answerOf(slow, decodeRequest(ours, good))).status).toBe(200);
  });
});

describe('encoding', () => {
  const file = encodePng({ width: 8, height: 8, data: new Uint8Array(192) });
  const cut = file.slice(0, 45);
  const claims = file.slice();
  new DataView(claims.buffer).setUint32(16, 2304);
  const picture = randomTensor(seededRandom(5), [1, 3, 8, 8]);
  const asTensor = (query: Query, data = bytesOf(picture, 'float32')) =>
    encodeRequest(data, { shape: picture.shape, dtype: 'float32', ...query });

  test.each<[string, () => Request, number, string, string]>([
    ['no body', () => encodeRequest(new Uint8Array(0), {}), 400, 'FORMAT', '"bytes" expected'],
    ['half a PNG', () => encodeRequest(cut, {}), 400, 'TRUNCATED', ''],
    [
      'another size in its header',
      () => encodeRequest(claims, {}),
      413,
      'LIMIT',
      `${OUT_OF_LIMITS}, got 2304×8`,
    ],
    [
      'a JPEG',
      () => encodeRequest(file, {}, { headers: { 'content-type': 'image/jpeg' } }),
      415,
      'TYPE',
      '"content-type" expected image/png, or a tensor, got image/jpeg',
    ],
    [
      'latents',
      () => asTensor({ shape: [1, 5, 8, 8] }),
      422,
      'SHAPE',
      '"shape" expected a picture [N,3,H,W], got [1,5,8,8]',
    ],
    [
      'a large picture',
      () => asTensor({ shape: [1, 3, 64, 64] }),
      413,
      'LIMIT',
      `${OUT_OF_LIMITS}, got 64×64`,
    ],
    ['bytes of another type', () => asTensor({ dtype: 'uint8' }), 400, 'ARG', '"dtype" expected'],
    [
      'NaN',
      () => asTensor({}, bytesOf({ data: picture.data.fill(NaN, 3, 4) }, 'float32')),
      422,
      'NONFINITE',
      '"image" expected finite numbers, got NaN at element 3',
    ],
    [
      'a model without an encoder',
      () => encodeRequest(file, { model: 'nano-flux1' }),
      501,
      'UNSUPPORTED',
      '"encoder" expected a model with its encoder, got nano-flux1, here a decoder alone',
    ],
  ])('%s', async (_name, request, status, code, message) => {
    const [got, gotCode, text] = await refused(request());
    expect([got, gotCode]).toEqual([status, code]);
    expect(text.startsWith(`encode: ${message}`), text).toBe(true);
  });

  test('an instance without its encoder → 501, the decoder serves', async () => {
    const half = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
    const decoding = createRemote({ models: [half] });
    const { status, json } = await answerOf(decoding, encodeRequest(file, {}));
    expect([status, json.message]).toEqual([
      ...[
        501,
        'encode: "encoder" expected a model with its encoder, got nano, here a decoder alone',
      ],
    ]);
    expect((await answerOf(decoding, decodeRequest(ours, good))).status).toBe(200);
    half.dispose();
  });
});

describe('faults of the host', () => {
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const jpg = { image_format: 'jpg' };
  const withJpeg = (encodeJpeg: NonNullable<RemoteOptions['encodeJpeg']>) =>
    createRemote({ models: [taesd], encodeJpeg, onFault });

  test('a JPEG encoder that fails → 500 that tells nothing; onFault has the error', async () => {
    const error = new Error('/srv/secret');
    const failing = withJpeg(() => Promise.reject(error));
    const { status, json } = await answerOf(failing, decodeRequest(ours, jpg));
    expect([status, json]).toEqual([
      500,
      { code: 'INTERNAL', message: 'decode: failed, and not because of the request' },
    ]);
    expect(faults).toEqual([error]);
  });

  test('a JPEG encoder whose package is missing → 501 with its sentence', async () => {
    const missing = withJpeg(() => {
      throw new TaesdError('UNSUPPORTED', '"@jsquash/jpeg" expected to be installed, got none');
    });
    const { status, json } = await answerOf(missing, decodeRequest(ours, jpg));
    expect([status, json]).toEqual([
      501,
      {
        code: 'UNSUPPORTED',
        message: 'decode: "@jsquash/jpeg" expected to be installed, got none',
      },
    ]);
  });

  test('values that are no requests, and an onFault that throws → 500, no rejection', async () => {
    const throwing = createRemote({
      models: [taesd],
      onFault: () => {
        throw new Error('no log');
      },
    });
    for (const value of [undefined, null, 5, {}, { url: 'x' }, Proxy.revocable({}, {}).proxy]) {
      expect((await throwing(value as never)).status).toBe(500);
    }
  });
});

describe('options', () => {
  const load = () => Promise.reject(new Error('not called'));
  const wrong = (options: unknown) => () => createRemote(options as RemoteOptions);
  const NAMES = 'taesd, taesdxl, taesd3, taef1';

  test.each<[string, unknown, string]>([
    ['none', undefined, '"options" expected {'],
    ['null', null, '"options" expected {'],
    ['no models', {}, '"models" expected names of models, or instances of Taesd, got undefined'],
    ['no models in it', { models: [] }, '"models" expected names of models'],
    [
      'another model',
      { models: ['sd'] },
      `"models" expected instances of Taesd, or one of ${NAMES}`,
    ],
    ['a hole', { models: new Array(1) }, '"models" expected instances of Taesd'],
    [
      'no load',
      { models: ['taesd'] },
      '"load" expected a function that loads taesd, got undefined',
    ],
    ['load null', { models: ['taesd'], load: null }, '"load" expected a function, got null'],
    [
      'twice',
      { models: ['taesd', 'taesd'], load },
      '"models" expected each model once, got taesd twice',
    ],
    [
      'a default that is not served',
      { models: ['taesd'], load, defaultModel: 'taef1' },
      '"defaultModel" expected one of taesd, got "taef1"',
    ],
    [
      'limits null',
      { models: ['taesd'], load, limits: null },
      '"limits" expected an object with limits, got null',
    ],
    [
      'an unknown limit',
      { models: ['taesd'], load, limits: { pixel: 1 } },
      'unknown option "pixel" (known: width, pixels, batch, waiting, turnMs, answerBytes, keptBytes, bodyMs)',
    ],
    [
      'a limit that is none',
      { models: ['taesd'], load, limits: { width: 0.5 } },
      '"limits.width" expected a whole number from 1 on, got 0.5',
    ],
    ['an unknown option', { models: ['taesd'], load, model: 1 }, 'unknown option "model"'],
  ])('%s → ARG', (_name, options, sentence) => {
    expect(wrong(options)).toThrow(TaesdError);
    expect(wrong(options)).toThrow(`createRemote: ${sentence}`);
  });
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
