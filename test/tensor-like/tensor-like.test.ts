import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { narrowTo } from '../../src/numbers/narrow.ts';
import { createPreviewer } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Placed } from '../../src/tensor-like/packed.ts';
import { pickOne } from '../../src/tensor-like/pick-one.ts';
import { readTensor } from '../../src/tensor-like/read-tensor.ts';
import type { TensorLike } from '../../src/tensor-like/types.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The door for tensors in memory, against loops over the index, and the calls that use it.
 */

const SHAPE = [2, 4, 3, 5];
const PLAIN = randomTensor(seededRandom(3), SHAPE, 2);
const { data } = PLAIN;
const ONE = { shape: [1, 4, 3, 5], data: data.slice(0, 60) };
const bf16 = narrowTo('BF16', data);
const f16 = narrowTo('F16', data);
const f64 = Float64Array.from(data, (x) => x + 1e-12);
const words = (bytes: Uint8Array<ArrayBuffer>) => new Uint16Array(bytes.buffer);

const read = (value: unknown, more: object = {}) =>
  readTensor(value, { what: 'latents', channels: [4], ...more });

async function tensorOf(value: unknown, more: object = {}): Promise<Tensor> {
  return (await read(value, more)).tensor;
}

/** The value of a half float or a bfloat16, by its definition. */
function smallFloat(bits: number, exponentBits: number, fractionBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias)
    : sign * (1 + fraction) * 2 ** (exponent - bias);
}
const halves = Float32Array.from(words(f16), (bits) => smallFloat(bits, 5, 10));
const brains = Float32Array.from(words(bf16), (bits) => smallFloat(bits, 8, 7));

/** The elements in another order: element i of the new order is the given one. */
function reordered(count: number, from: (i: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => data[from(i)]);
}
const lastOf = ([n, c, h, w]: number[]) =>
  reordered(n * c * h * w, (i) => {
    const k = i % c;
    const x = Math.floor(i / c) % w;
    const y = Math.floor(i / c / w) % h;
    return ((Math.floor(i / c / w / h) * c + k) * h + y) * w + x;
  });

describe('numbers', () => {
  test.each<[string, TensorLike, Float32Array]>([
    ['f32', { data, dims: SHAPE }, data],
    ['f32, declared', { data, dims: SHAPE, dtype: 'torch.float32', type: 'F32' }, data],
    ['f64', { data: f64, shape: SHAPE, dtype: 'float64' }, Float32Array.from(f64)],
    ['a plain array', { data: [...data], shape: SHAPE, dtype: 'array' }, data],
    ...['float16', 'torch.float16', 'F16', 'half', '<f2', 'torch.half'].map(
      (dtype) =>
        [dtype, { data: words(f16), shape: SHAPE, dtype }, halves] as [
          string,
          TensorLike,
          Float32Array,
        ],
    ),
    ['type bfloat16', { data: words(bf16), shape: SHAPE, type: 'bfloat16' }, brains],
    ['BF16', { data: words(bf16), shape: SHAPE, dtype: 'BF16' }, brains],
    ['bytes of f16', { data: f16, shape: SHAPE, dtype: 'float16' }, halves],
    ['bytes of bf16', { data: bf16, shape: SHAPE, dtype: 'bfloat16' }, brains],
    ['bytes of f32', { data: narrowTo('F32', data), shape: SHAPE, dtype: 'float32' }, data],
    ['data()', { data: async () => data, shape: SHAPE }, data],
    ['getData()', { location: 'gpu-buffer', getData: async () => data, dims: SHAPE }, data],
    ['offset', { data: Float32Array.of(9, ...data), shape: SHAPE, offset: 1 }, data],
    ['channels last', { data: lastOf(SHAPE), shape: [2, 3, 5, 4], layout: 'NHWC' }, data],
    [
      'channels last by strides',
      { data: lastOf(SHAPE), shape: SHAPE, stride: [60, 1, 20, 4] },
      data,
    ],
    ['[B,C,1,h,w]', { data, shape: [2, 4, 1, 3, 5] }, data],
    ['[B,1,C,h,w]', { data, shape: [2, 1, 4, 3, 5] }, data],
  ])('%s → f32', async (_, value, wanted) => {
    expect(await tensorOf(value)).toEqual({ shape: SHAPE, data: wanted });
  });

  test.runIf('Float16Array' in globalThis)('Float16Array → f32', async () => {
    const Halves = Reflect.get(globalThis, 'Float16Array') as typeof Float32Array;
    const value = { data: Halves.from(data), dims: SHAPE, type: 'float16' };
    expect((await tensorOf(value)).data).toEqual(halves);
  });

  test('[C,h,w], [C,1,h,w] → a batch of 1', async () => {
    for (const shape of [
      [4, 3, 5],
      [4, 1, 3, 5],
    ]) {
      expect(await tensorOf({ shape, data: ONE.data })).toEqual(ONE);
    }
  });

  test('arrays of another context → their numbers', async () => {
    const shape = [1, 4, 1, 1];
    const foreign = (code: string): ArrayBufferView => runInNewContext(code);
    const words16 = foreign('new Uint16Array([0x3c00, 0x4000, 0x4200, 0x4400])');
    const cases: [ArrayBufferView, string | undefined][] = [
      [words16, 'float16'],
      [foreign('new Float32Array([1, 2, 3, 4])'), undefined],
      [foreign('new Float64Array([1, 2, 3, 4])'), undefined],
      [foreign('new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)'), 'float32'],
    ];
    for (const [values, dtype] of cases) {
      for (const strides of [undefined, [4, 1, 1, 1]]) {
        const got = await tensorOf({ data: values, shape, dtype, strides });
        expect([...got.data]).toEqual([1, 2, 3, 4]);
      }
    }
    const buffer = Buffer.from(ONE.data.slice().buffer);
    const ofNode = { data: buffer, shape: ONE.shape, dtype: 'float32' };
    expect((await tensorOf(ofNode)).data).toEqual(ONE.data);
  });

  test('a huge stride on an axis of 1 → no effect', async () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => i);
    const at = (stride: number) =>
      tensorOf({ data: values, shape: [4, 4, 1, 2], strides: [1, 8, stride, 4] });
    expect(await at(Number.MAX_SAFE_INTEGER)).toEqual(await at(7));
  });

  test('random strides, offsets, picks → as a loop over the index', async () => {
    const random = seededRandom(8);
    const whole = (max: number) => 1 + Math.floor(random() * max);
    for (let n = 0; n < 300; n++) {
      const shape = [whole(3), 4, whole(4), whole(4)];
      const strides = shape.map(() => Math.floor(random() * 9) - 4);
      const offset = 80;
      const values = randomTensor(random, [200]).data;
      const source = [values, Float64Array.from(values), [...values]][n % 3];
      const pick = n % 2 === 0 ? whole(shape[0]) - 1 : undefined;
      const wanted: number[] = [];
      for (let b = pick ?? 0; b < (pick === undefined ? shape[0] : pick + 1); b++)
        for (let c = 0; c < shape[1]; c++)
          for (let y = 0; y < shape[2]; y++)
            for (let x = 0; x < shape[3]; x++) {
              const at = [b, c, y, x].reduce((sum, i, k) => sum + i * strides[k], offset);
              wanted.push(values[at]);
            }
      const select = (all: Placed) => (pick === undefined ? all : pickOne('latents', all, pick));
      const got = await tensorOf({ data: source, shape, strides, offset }, { select });
      expect([...got.data]).toEqual(wanted);
    }
  });
});

describe('packed latents of FLUX.1', () => {
  const FLUX = { channels: [16], variant: VARIANTS.taef1 };
  /** diffusers: view(B, C, h/2, 2, w/2, 2), permute(0, 2, 4, 1, 3, 5), reshape. */
  function pack({ shape: [batch, channels, h, w], data: from }: Tensor): Tensor {
    const packed: number[] = [];
    for (let n = 0; n < batch; n++)
      for (let y = 0; y < h; y += 2)
        for (let x = 0; x < w; x += 2)
          for (let c = 0; c < channels; c++)
            for (const dy of [0, 1])
              for (const dx of [0, 1])
                packed.push(from[((n * channels + c) * h + y + dy) * w + x + dx]);
    const shape = [batch, (h * w) / 4, 4 * channels];
    return { shape, data: Float32Array.from(packed) };
  }
  const unpacked = (...shape: number[]) => randomTensor(seededRandom(shape[2]), shape);
  test.each<[string, Tensor, object]>([
    ['a square', unpacked(1, 16, 8, 8), {}],
    ['nearest to a square, wider', unpacked(2, 16, 4, 6), {}],
    ['by height', unpacked(1, 16, 6, 4), { height: 48 }],
    ['by width', unpacked(1, 16, 2, 12), { width: 96 }],
    ['by both, rounded down', unpacked(1, 16, 6, 4), { width: 40, height: 60 }],
    ['rounded up', unpacked(1, 16, 6, 4), { width: 32, height: 41 }],
  ])('%s → as they were', async (_, latents, size) => {
    const got = await read(pack(latents), { ...FLUX, ...size });
    expect(got).toEqual({ tensor: latents, isPacked: true });
  });

  test('[16,h,64] → [C,h,w] below 256 rows; from there on refused without a layout', async () => {
    const wanted = FLUX;
    const value = (h: number) => ({ shape: [16, h, 64], data: new Float32Array(16 * h * 64) });
    expect((await tensorOf(value(255), wanted)).shape).toEqual([1, 16, 255, 64]);
    expect(() => read(value(256), wanted)).toThrow(
      `"latents" expected a batch axis, or layout: 'NCHW' or 'packed', got [16,256,64] (one latent [C,h,w], or 16 packed ones?)`,
    );
    const as = (layout: string) => tensorOf({ ...value(256), layout }, wanted);
    expect((await as('NCHW')).shape).toEqual([1, 16, 256, 64]);
    expect((await as('packed')).shape).toEqual([16, 16, 32, 32]);
  });

  test('2⁵³ patches → SHAPE at once', () => {
    const before = process.cpuUsage().user;
    const value = { shape: [1, 9007199254740881, 64], data: new Float32Array(64) };
    expect(() => read(value, FLUX)).toThrow('"latents" expected ');
    expect(process.cpuUsage().user - before).toBeLessThan(5e5);
  });

  test('patches of no such picture → SHAPE', () => {
    expect(() =>
      read({ shape: [1, 6, 64], data: new Float32Array(384) }, { ...FLUX, width: 64 }),
    ).toThrow('expected the patches of a picture of 64×any, each 16×16 pixels, got 6');
  });
});

describe('what a tensor says wrongly → an error, and the instance works on', () => {
  let taesd: Taesd;
  beforeAll(async () => {
    taesd = await Taesd.load({ model: 'nano' });
  });
  test.each<[string, object, string, string]>([
    ['words without a dtype', { data: words(f16) }, 'ARG', `"latents dtype" expected 'float16' or`],
    ['integers', { dtype: 'int32' }, 'ARG', '"latents dtype" expected float32'],
    ['an array of integers', { data: new Int32Array(120) }, 'ARG', 'f32, f64 or f16 numbers'],
    ['8 bits', { data: new Uint8Array(120) }, 'ARG', 'use dequantizeLatents'],
    ['a contradiction', { dtype: 'float16' }, 'ARG', 'expected numbers of its dtype float16'],
    ['two types', { dtype: 'float32', type: 'float64' }, 'ARG', 'one type by "dtype" and "type"'],
    ['big-endian', { dtype: '>f4' }, 'ARG', 'float32, float64, float16 or bfloat16'],
    ['a layout', { layout: 'CHWN' }, 'ARG', `'NCHW', 'NHWC' or 'packed'`],
    ['packed, 4 channels', { layout: 'packed' }, 'SHAPE', "expected a model's packed latents"],
    ['strides too far', { strides: [60, 15, 5, 2] }, 'SHAPE', 'expected numbers up to element'],
    ['strides below 0', { strides: [-60, 15, 5, 1] }, 'SHAPE', 'got element -60'],
    ['3 strides', { strides: [15, 5, 1] }, 'SHAPE', '"latents strides" expected 4 whole numbers'],
    ['an offset', { offset: 0.5 }, 'ARG', '"latents offset"'],
    ['a location', { location: 'gpu-buffer' }, 'ARG', `'cpu', or a function getData`],
    ['a rank', { shape: [1, 1, 1, 2, 4, 15] }, 'SHAPE', '[N,C,h,w] or [C,h,w]'],
    [
      'channels last, undeclared',
      { shape: [2, 3, 5, 4] },
      'SHAPE',
      `layout: 'NHWC' declares channels`,
    ],
    ['NaN', { data: data.map(() => NaN) }, 'NONFINITE', 'NaN at element 0'],
    ['a nested array', { data: Array(120).fill([1]) }, 'ARG', 'a flat array of numbers'],
    [
      'a reading that fails',
      { data: () => Promise.reject(new Error('lost')) },
      'ARG',
      '"latents data" expected numbers that can be read, got lost',
    ],
  ])('%s', async (_, more, code, message) => {
    const before = await taesd.decode(ONE);
    const value = { shape: SHAPE, data, ...more };
    const work = taesd.decode(value as TensorLike, { output: 'images' });
    await expect(work).rejects.toThrow(message);
    await expect(work).rejects.toMatchObject({ name: 'TaesdError', code });
    expect(await taesd.decode(ONE)).toEqual(before);
  });

  test('every call: other kinds of equal numbers → the same bits', async () => {
    const last = lastOf([1, 4, 3, 5]);
    const kinds: TensorLike[] = [
      { dims: ONE.shape, data: [...ONE.data] },
      { dims: [4, 3, 5], data: Float64Array.from(ONE.data) },
      { shape: [1, 3, 5, 4], data: last, layout: 'NHWC' },
      { shape: ONE.shape, data: async () => ONE.data },
    ];
    const rowsOf = async (latents: TensorLike) => {
      const bytes: number[] = [];
      // How many rows come together depends on the time they take.
      for await (const { y, width, data } of taesd.decodeRows(latents)) {
        expect(bytes).toHaveLength(4 * width * y);
        bytes.push(...data);
      }
      return bytes;
    };
    const stepOf = async (latents: TensorLike) => {
      for await (const step of taesd.steps(latents)) return step.output;
      return undefined;
    };
    const picture = await taesd.decode(ONE);
    const rows = await rowsOf(ONE);
    const step = await stepOf(ONE);
    for (const kind of kinds) {
      expect(await taesd.decode(kind)).toEqual(picture);
      expect(await rowsOf(kind)).toEqual(rows);
      expect(await stepOf(kind)).toEqual(step);
      const shown: unknown[] = [];
      const previewer = createPreviewer(taesd, { onFrame: (frame) => void shown.push(frame) });
      expect(previewer.push(kind)).toBe(true);
      await previewer.idle();
      expect(shown).toEqual([picture]);
    }
  });

  test('space vae, by option and by origin → as fromVaeLatents; the option wins', async () => {
    const latents = toVaeLatents(ONE, 'taesd');
    const wanted = await taesd.decode(fromVaeLatents(latents, 'taesd'));
    const found = { latents, space: 'vae', model: 'taesd' } as const;
    expect(await taesd.decode(latents, { space: 'vae' })).toEqual(wanted);
    expect(await taesd.decode(found)).toEqual(wanted);
    expect(await taesd.decode(found, { space: 'diffusion' })).toEqual(await taesd.decode(latents));
    const cropped = await taesd.decode({ ...found, width: 39, height: 20 });
    expect([cropped.width, cropped.height]).toEqual([39, 20]);
    for await (const { inputs } of taesd.steps(found)) {
      expect(inputs[0]).toEqual(fromVaeLatents(latents, 'taesd'));
      break;
    }
    await expect(taesd.decode({ ...found, model: 'taesdxl' })).rejects.toThrow(
      'decode: "latents" expected latents of taesd for model nano, got latents of taesdxl ' +
        "(latents of taesdxl? load({ model: 'taesdxl' }))",
    );
    await expect(taesd.decode(ONE, { space: 'full' as never })).rejects.toThrow('"space" expected');
  });

  test('the space that a tensor says → honoured; of shape and dims two sizes → ARG', async () => {
    const latents = toVaeLatents(ONE, 'taesd');
    const wanted = await taesd.decode(fromVaeLatents(latents, 'taesd'));
    expect(await taesd.decode({ ...latents, space: 'vae' })).toEqual(wanted);
    const other = { ...latents, space: 'vae' as const };
    expect(await taesd.decode(other, { space: 'diffusion' })).toEqual(await taesd.decode(latents));
    expect(await taesd.decode({ ...ONE, dims: ONE.shape })).toEqual(await taesd.decode(ONE));
    await expect(taesd.decode({ ...ONE, dims: [1, 4, 5, 3] })).rejects.toThrow(
      'decode: "latents" expected one size by "shape" and "dims", got two',
    );
  });

  test('objects whose getters throw → ARG from every call, and the instance works on', async () => {
    const before = await taesd.decode(ONE);
    const thrower = (name: string) =>
      Object.defineProperty({ ...ONE, [name]: undefined }, name, {
        get() {
          throw new RangeError('boom');
        },
      });
    const revoked = () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy as TensorLike;
    };
    const nowhere = {} as never;
    const rows = async (value: TensorLike) => {
      for await (const _ of taesd.decodeRows(value)) break;
    };
    const steps = async (value: TensorLike) => {
      for await (const _ of taesd.steps(value)) break;
    };
    const wrong = ['shape', 'dtype', 'latents', 'space', 'data', 'layout'].map(thrower);
    for (const value of [
      ...wrong,
      revoked(),
      { ...ONE, data: revoked() },
      { ...ONE, shape: revoked() as never },
    ]) {
      const calls: [string, Promise<unknown>][] = [
        ['decode', taesd.decode(value)],
        ['decodeRows', rows(value)],
        ['decodeToCanvas', taesd.decodeToCanvas(value, nowhere)],
        ['steps', steps(value)],
        ['encode', taesd.encode(value)],
      ];
      for (const [call, work] of calls) {
        const error = await work.then(
          () => undefined,
          (reason) => reason,
        );
        // `encode` reads no space and no latents, and refuses the channels.
        expect(error, `${call}: ${error}`).toMatchObject({ name: 'TaesdError' });
        expect(['ARG', 'SHAPE']).toContain(error.code);
      }
    }
    expect(await taesd.decode(ONE)).toEqual(before);
  });

  test('the copy is taken at the time of the call', async () => {
    const mine = { shape: ONE.shape, data: ONE.data.slice() };
    const work = taesd.decode(mine);
    mine.data.fill(0);
    expect(await work).toEqual(await taesd.decode(ONE));
  });

  test('pictures in [-1,1] and 0 … 255 → refused with the formula; range converts', async () => {
    const unit = randomTensor(seededRandom(4), [1, 3, 16, 16]).data.map(Math.abs);
    const picture = (from: Float32Array) => ({ dims: [3, 16, 16], data: from });
    const signed = picture(unit.map((x) => 2 * x - 1));
    await expect(taesd.encode(signed)).rejects.toThrow(/below -0.25 \(\[-1,1\]\? \(x \+ 1\) \/ 2/);
    await expect(taesd.encode(picture(unit.map((x) => 255 * x)))).rejects.toThrow('x / 255');
    const wanted = await taesd.encode(picture(signed.data.map((x) => (x + 1) / 2)));
    expect(await taesd.encode(signed, { range: '[-1,1]' })).toEqual(wanted);
    expect((await taesd.encode(signed, { range: '[0,1]' })).shape).toEqual([1, 4, 2, 2]);
    await expect(taesd.encode(signed, { range: 'x' as never })).rejects.toThrow('"range" expected');
    const first = async (range?: '[-1,1]') => {
      for await (const { inputs } of taesd.steps(signed, { range })) return inputs[0].data;
      return undefined;
    };
    expect(await first('[-1,1]')).toEqual(signed.data.map((x) => (x + 1) / 2));
    await expect(first()).rejects.toThrow('below -0.25');
    const decoded = await taesd.decode(randomTensor(seededRandom(1), [1, 4, 16, 16], 1.7), {
      output: 'tensor',
    });
    expect((await taesd.encode(decoded)).shape).toEqual([1, 4, 16, 16]);
  });

  test('a range for a picture of bytes, for latents → ARG, and what it is for', async () => {
    const bytes = { width: 8, height: 8, data: new Uint8Array(192).fill(128) };
    const sentence = (input: string, hint: string) =>
      `"range" expected none for ${input}, got "[-1,1]" (${hint}range is for tensors [N,3,H,W])`;
    const ofPicture = sentence('a picture', 'its bytes are 0 to 255; ');
    const range = '[-1,1]';
    await expect(taesd.encode(bytes, { range })).rejects.toMatchObject({
      code: 'ARG',
      message: `encode: ${ofPicture}`,
    });
    await expect(taesd.steps(bytes, { range }).next()).rejects.toThrow(`steps: ${ofPicture}`);
    await expect(taesd.steps(ONE, { range }).next()).rejects.toThrow(
      `steps: ${sentence('latents', '')}`,
    );
    await expect(taesd.encode(bytes, { range: '[0,1]' })).rejects.toThrow('got "[0,1]"');
    expect((await taesd.encode(bytes)).shape).toEqual([1, 4, 1, 1]);
  });
});
