import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromVaeLatents, Taesd, type Tensor, toVaeLatents } from '../../src/index.ts';
import { bf16BytesToF32, f16BytesToF32 } from '../../src/numbers/half.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { createRemote, type RemoteHandler } from '../../src/remote/index.ts';
import { picturesOf } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { type Asked, addressOf, answerOf, bytesOf, decodeRequest, encodeRequest } from './ask.ts';

/*
 * The requests of diffusers' client and their answers, compared with what the instance's own calls
 * give: exactly for bytes, and after rounding to 16 bits for numbers.
 */

const NAMES = ['nano', 'nano-sdxl', 'nano-flux1'] as const;
type Name = (typeof NAMES)[number];
const models = new Map<Name, Taesd>();
let handler: RemoteHandler;

beforeAll(async () => {
  for (const model of NAMES) models.set(model, await Taesd.load({ model, workers: 0 }));
  handler = createRemote({
    models: [...models.values()],
    encodeJpeg: ({ width, height, data }) =>
      Uint8Array.of(0xff, 0xd8, width, height, data[0], data[data.length - 1]),
  });
});
afterAll(() => {
  for (const model of models.values()) model.dispose();
});

const model = (name: Name = 'nano') => models.get(name) as Taesd;

/** Latents whose numbers are floats of 16 bits, so that no type rounds them. */
function latentsOf(shape: readonly number[], seed = 1): Tensor {
  const { data } = randomTensor(seededRandom(seed), shape, 2);
  return { shape, data: bf16BytesToF32(bytesOf({ data }, 'bfloat16')) };
}
const ours = latentsOf([1, 4, 3, 5]);
const SIZE = { width: 40, height: 24 };

const ask = (latents: Tensor, more: Asked) => answerOf(handler, decodeRequest(latents, more));
const sd = { scaling_factor: 0.18215 };
const png = { ...sd, image_format: 'png' };
const pt = { ...sd, output_type: 'pt' };
const partial = { ...pt, partial_postprocess: 'True' };

const rgb = (rgba: Uint8ClampedArray) => rgba.filter((_, i) => i % 4 !== 3);
const list = (numbers: Iterable<number>) => Array.from(numbers);

/** The numbers of the decoder in [−1, 1], rounded to 16 bits. */
async function signed(latents: Tensor, dtype: 'float16' | 'bfloat16', name?: Name) {
  const { data } = await model(name).decode(latents, { output: 'tensor' });
  return bytesOf({ data: data.map((x) => 2 * x - 1) }, dtype);
}

describe('the form of the answer', () => {
  test('pil, png → a PNG file with the pixels of Taesd.decode', async () => {
    const { status, type, shape, bytes } = await ask(ours, png);
    expect({ status, type, shape }).toEqual({ status: 200, type: 'image/png', shape: null });
    const { data, ...size } = decodePng(bytes);
    expect(size).toMatchObject(SIZE);
    expect(list(data)).toEqual(list((await model().decode(ours)).data));
  });

  test("pil, jpg → what the host's encoder makes of the picture", async () => {
    const { status, type, bytes } = await ask(ours, sd);
    const { data } = await model().decode(ours);
    expect({ status, type }).toEqual({ status: 200, type: 'image/jpeg' });
    expect(list(bytes)).toEqual([0xff, 0xd8, 40, 24, data[0], 255]);
  });

  test('pt → float16 [1,3,24,40] in [−1, 1], not clamped', async () => {
    const { status, type, shape, dtype, bytes } = await ask(ours, pt);
    expect({ status, type, shape, dtype }).toEqual({
      ...{ status: 200, type: 'tensor/binary', shape: [1, 3, 24, 40], dtype: 'float16' },
    });
    expect(bytes).toEqual(new Uint8Array(await signed(ours, 'float16')));
  });

  test('pt of bfloat16 → bfloat16; of float32 → float16', async () => {
    const brain = await ask(ours, { ...pt, dtype: 'bfloat16' });
    expect(brain.dtype).toBe('bfloat16');
    expect(brain.bytes).toEqual(await signed(ours, 'bfloat16'));
    const full = await ask(ours, { ...pt, dtype: 'float32' });
    expect(full.dtype).toBe('float16');
    expect(full.bytes).toEqual(await signed(ours, 'float16'));
  });

  test('pt, partial_postprocess=True → uint8 [1,24,40,3], the pixels of Taesd.decode', async () => {
    const { status, shape, dtype, bytes } = await ask(ours, partial);
    expect({ status, shape, dtype }).toEqual({
      status: 200,
      shape: [1, 24, 40, 3],
      dtype: 'uint8',
    });
    expect(list(bytes)).toEqual(list(rgb((await model().decode(ours)).data)));
  });

  test('pil with a processor, which the client shows by Accept → float16 [2,3,24,40] in [0, 1], of its pixels', async () => {
    const batch = latentsOf([2, 4, 3, 5]);
    const headers = { 'content-type': 'tensor/binary', accept: 'tensor/binary' };
    const { shape, dtype, bytes } = await answerOf(handler, decodeRequest(batch, sd, { headers }));
    expect({ shape, dtype }).toEqual({ shape: [2, 3, 24, 40], dtype: 'float16' });
    const pictures = await model().decode(batch, { output: 'images' });
    const planes = pictures.flatMap(({ data }) =>
      [0, 1, 2].flatMap((c) => list(data.filter((_, i) => i % 4 === c))),
    );
    // As the client makes pictures of it.
    expect(list(f16BytesToF32(bytes)).map((x) => Math.round(x * 255))).toEqual(planes);
  });

  test('pt of a batch → each picture in its place', async () => {
    const batch = latentsOf([3, 4, 3, 5]);
    const { shape, bytes } = await ask(batch, partial);
    expect(shape).toEqual([3, 24, 40, 3]);
    const pictures = await model().decode(batch, { output: 'images' });
    expect(list(bytes)).toEqual(pictures.flatMap(({ data }) => list(rgb(data))));
    const numbers = await ask(batch, pt);
    expect(numbers.shape).toEqual([3, 3, 24, 40]);
    const each = await Promise.all(picturesOf(batch).map((one) => signed(one, 'float16')));
    expect(list(numbers.bytes)).toEqual(each.flatMap(list));
  });
});

describe('the latents of a request', () => {
  test.each([
    ['the factor of the model', { ...partial }],
    ["do_scaling=True: the model's own", { ...partial, scaling_factor: [], do_scaling: 'True' }],
    ['float32 and the shift that is 0', { ...partial, shift_factor: 0, dtype: 'float32' as const }],
  ])('%s → those of diffusion', async (_name, more) => {
    const { bytes } = await ask(ours, more);
    expect(list(bytes)).toEqual(list(rgb((await model().decode(ours)).data)));
  });

  test('no factor → those of the VAE', async () => {
    const vae = toVaeLatents(ours, 'taesd');
    const { status, bytes } = await ask(vae, { ...partial, scaling_factor: [], dtype: 'float32' });
    expect(status).toBe(200);
    const { data } = await model().decode(vae, { space: 'vae' });
    expect(list(bytes)).toEqual(list(rgb(data)));
  });

  test('other factors than the model has → z = x / factor + shift, as VAE latents', async () => {
    const given = { scaling_factor: 0.5, shift_factor: 0.25 };
    const { bytes } = await ask(ours, { ...partial, ...given });
    const z = { ...ours, data: ours.data.map((x) => x / 0.5 + 0.25) };
    const { data } = await model().decode(fromVaeLatents(z, 'taesd'));
    expect(list(bytes)).toEqual(list(rgb(data)));
  });

  test('[4,h,w] and [1,4,1,h,w] → one picture', async () => {
    const { data } = await model().decode(ours);
    for (const shape of [
      [4, 3, 5],
      [1, 4, 1, 3, 5],
    ]) {
      const { bytes } = await ask({ ...ours, shape }, partial);
      expect(list(bytes)).toEqual(list(rgb(data)));
    }
  });

  test('packed latents of FLUX.1 [1,6,64] with the size of the picture → those of [1,16,4,6]', async () => {
    const flux = latentsOf([1, 16, 4, 6], 7);
    const packed = { shape: [1, 6, 64], data: new Float32Array(384) };
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 6; x++) {
        for (let c = 0; c < 16; c++) {
          const token = (y >> 1) * 3 + (x >> 1);
          const at = 4 * c + 2 * (y & 1) + (x & 1);
          packed.data[64 * token + at] = flux.data[(c * 4 + y) * 6 + x];
        }
      }
    }
    const scaling = { scaling_factor: 0.3611, shift_factor: 0.1159 };
    const more = { ...partial, ...scaling, dtype: 'bfloat16', height: 32, width: 48 } as const;
    const { shape, bytes } = await ask(packed, more);
    expect(shape).toEqual([1, 32, 48, 3]);
    const { data } = await model('nano-flux1').decode(flux);
    expect(list(bytes)).toEqual(list(rgb(data)));
    // Unpacked ones, as HiDream has them.
    const plain = await ask(flux, { ...partial, ...scaling });
    expect(list(plain.bytes)).toEqual(list(rgb(data)));
  });

  test('packed latents of a model with 4 channels [1,P,16] → unpacked, too', async () => {
    const { shape, status } = await ask(latentsOf([1, 6, 16]), {
      ...{ ...partial, height: 32, width: 48 },
    });
    expect({ shape, status }).toEqual({ status: 200, shape: [1, 32, 48, 3] });
  });

  test('width and height of the picture → the rest is cropped', async () => {
    const { shape, bytes } = await ask(ours, { ...partial, width: 37, height: 20 });
    expect(shape).toEqual([1, 20, 37, 3]);
    const { data } = await model().decode(ours, { width: 37, height: 20 });
    expect(list(bytes)).toEqual(list(rgb(data)));
  });
});

describe('the model of a request', () => {
  const ofXl = async () => list(rgb((await model('nano-sdxl').decode(ours)).data));

  test('the factor of SDXL → the model for SDXL; the same channels without one → the default', async () => {
    const { bytes } = await ask(ours, { ...partial, scaling_factor: 0.13025 });
    expect(list(bytes)).toEqual(await ofXl());
    const own = await ask(ours, { ...partial, scaling_factor: [], do_scaling: 'True' });
    expect(list(own.bytes)).toEqual(list(rgb((await model().decode(ours)).data)));
  });

  test('?model= → that model', async () => {
    const more = { ...partial, scaling_factor: [], do_scaling: 'True', model: 'nano-sdxl' };
    expect(list((await ask(ours, more)).bytes)).toEqual(await ofXl());
  });

  test('defaultModel → for latents that fit several', async () => {
    const other = createRemote({ models: [...models.values()], defaultModel: 'nano-sdxl' });
    const more = { ...partial, scaling_factor: [], do_scaling: 'True' };
    const { bytes } = await answerOf(other, decodeRequest(ours, more));
    expect(list(bytes)).toEqual(await ofXl());
  });

  test('GET /models, GET /health → JSON', async () => {
    const get = (path: string) => answerOf(handler, new Request(addressOf(path, {})));
    const { json, status } = await get('/models');
    expect(status).toBe(200);
    expect(json.default).toBe('nano');
    expect(json.models[2]).toEqual({
      ...{ name: 'nano-flux1', speaks: 'FLUX.1, Z-Image, HiDream' },
      ...{ channels: 16, downscale: 8, scale: 0.3611, shift: 0.1159 },
    });
    expect((await get('/health')).json).toEqual({
      ...{ status: 'ok', requests: 0, loaded: ['nano', 'nano-sdxl', 'nano-flux1'] },
    });
  });
});

describe('encoding', () => {
  const picture = {
    ...{ width: 21, height: 16 },
    data: Uint8Array.from({ length: 3 * 21 * 16 }, (_, i) => (i * 37) & 255),
  };
  const file = encodePng(picture);

  test('a PNG file, the factor of the model → float16 [1,4,2,3], the latents of Taesd.encode', async () => {
    const { status, shape, dtype, bytes } = await answerOf(handler, encodeRequest(file, sd));
    expect({ status, shape, dtype }).toEqual({
      ...{ status: 200, shape: [1, 4, 2, 3], dtype: 'float16' },
    });
    expect(bytes).toEqual(bytesOf(await model().encode(picture), 'float16'));
  });

  test('no factor → VAE latents; other factors → (z − shift) · factor', async () => {
    const z = toVaeLatents(await model().encode(picture), 'taesd');
    const { bytes } = await answerOf(handler, encodeRequest(file, {}));
    expect(bytes).toEqual(bytesOf(z, 'float16'));
    const query = { scaling_factor: 0.5, shift_factor: 0.25 };
    const other = await answerOf(handler, encodeRequest(file, query));
    const scaled = Float32Array.from(z.data, (x) => Math.fround(x - 0.25) * 0.5);
    const differences = f16BytesToF32(other.bytes).map((x, i) => Math.abs(x - scaled[i]));
    expect(Math.max(...differences)).toBeLessThan(0.002);
  });

  test('a tensor in [−1, 1] → as a picture in [0, 1]', async () => {
    const image = latentsOf([2, 3, 16, 24], 5);
    for (const [i, x] of image.data.entries()) image.data[i] = Math.max(-1, Math.min(1, x));
    const query = { ...sd, shape: image.shape, dtype: 'bfloat16' };
    const request = encodeRequest(bytesOf(image, 'bfloat16'), query);
    const { shape, dtype, bytes } = await answerOf(handler, request);
    expect({ shape, dtype }).toEqual({ shape: [2, 4, 2, 3], dtype: 'bfloat16' });
    const wanted = await model().encode(image, { range: '[-1,1]' });
    expect(bytes).toEqual(bytesOf(wanted, 'bfloat16'));
  });

  test('encode, then decode by the protocol → near the picture that Taesd makes', async () => {
    const { shape, bytes } = await answerOf(handler, encodeRequest(file, sd));
    const latents = { shape, data: f16BytesToF32(bytes) };
    const answer = await ask(latents, { ...partial, width: 21, height: 16 });
    const { data } = await model().decode(latents, { width: 21, height: 16 });
    expect(list(answer.bytes)).toEqual(list(rgb(data)));
  });
});
