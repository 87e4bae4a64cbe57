import { describe, expect, test } from 'vitest';
import {
  decodeLatentPng,
  decodeLatentSafetensors,
  encodeLatentPng,
  encodeLatentSafetensors,
  type LatentFile,
} from '../../src/formats/index.ts';
import { dequantizeLatents, latentsToPicture, quantizeLatents } from '../../src/latent.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { entry, rawFile } from '../safetensors/raw-file.ts';
import { expectError } from '../thrown-by.ts';

const latents = randomTensor(seededRandom(1), [1, 4, 2, 3], 4);
const latents16 = randomTensor(seededRandom(2), [1, 16, 2, 3], 4);
const throughBytes = (data: Float32Array) => dequantizeLatents(quantizeLatents(data));

describe('latent PNG', () => {
  test.each([
    ['taesd', latents],
    ['taef1', latents16],
  ] as const)('%s: there and back → dequantised latents, model and size', (model, tensor) => {
    const file = decodeLatentPng(encodeLatentPng({ latents: tensor, model, width: 17, height: 9 }));
    expect(file.latents.shape).toEqual(tensor.shape);
    expect(file.latents.data).toEqual(throughBytes(tensor.data));
    expect(file).toMatchObject({ model, width: 17, height: 9 });
  });

  test('texts and pixels of the file', () => {
    const png = decodePng(encodeLatentPng({ latents, model: 'taesdxl', width: 24, height: 16 }));
    expect(Object.fromEntries(png.text)).toEqual({
      'taesd.model': 'taesdxl',
      'taesd.size': '24x16',
    });
    expect(png).toMatchObject({ width: 3, height: 2 });
    expect([...png.data]).toEqual([...latentsToPicture(latents).data]);
  });

  test('nothing recorded → no text, nothing recorded', () => {
    const bytes = encodeLatentPng({ latents });
    expect(decodePng(bytes).text.size).toBe(0);
    const { model, width, height } = decodeLatentPng(bytes);
    expect([model, width, height]).toEqual([undefined, undefined, undefined]);
  });

  test('no recorded model → the given one unfolds; a recorded one wins over it', () => {
    const unmarked = encodeLatentPng({ latents: latents16 });
    expect(decodeLatentPng(unmarked, 'taesd3').latents.shape).toEqual([1, 16, 2, 3]);
    expect(decodeLatentPng(unmarked).latents.shape).toEqual([1, 4, 8, 3]);
    const marked = encodeLatentPng({ latents: latents16, model: 'taef1' });
    expect(decodeLatentPng(marked, 'taesd').latents.shape).toEqual([1, 16, 2, 3]);
  });

  test('maxPixels → LIMIT above it, by the latent’s pixels', () => {
    const latents = { shape: [1, 4, 3, 5], data: new Float32Array(60) };
    const bytes = encodeLatentPng({ latents });
    expect(decodeLatentPng(bytes, 'taesd', { maxPixels: 15 }).latents.shape).toEqual([1, 4, 3, 5]);
    // Options where the model belongs are not silently ignored.
    expect(() => decodeLatentPng(bytes, { maxPixels: 14 } as never)).toThrow(
      expect.objectContaining({ code: 'ARG' }),
    );
    expect(() => decodeLatentPng(bytes, 'taesd', { maxPixels: 14 })).toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    );
  });

  test('16 channels from a height that 4 does not divide → SHAPE', () => {
    const message =
      'decodeLatentPng: "picture" expected a height that is a multiple of 4, for 16 latent ' +
      'channels, got 3×2 (a latent picture of a 4-channel model, or not a latent picture?)';
    expectError(() => decodeLatentPng(encodeLatentPng({ latents }), 'taesd3'), 'SHAPE', message);
  });
});

describe('latent safetensors', () => {
  test('there and back → the same bits, model and size', () => {
    const file = { latents: latents16, model: 'taesd3', width: 18, height: 16 } as const;
    const bytes = encodeLatentSafetensors(file);
    expect(decodeLatentSafetensors(bytes)).toEqual(file);
    expect(Object.fromEntries(readSafetensors(bytes).metadata)).toEqual({
      'taesd.model': 'taesd3',
      'taesd.size': '18x16',
    });
  });

  test('F16 and BF16, beside other tensors → widened', () => {
    const header = [
      entry('latents', 'F16', [1, 1, 1, 2], [0, 4]),
      entry('noise', 'U8', [1], [4, 5]),
    ];
    const f16 = rawFile(`{${header.join(',')}}`, Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 7));
    expect([...decodeLatentSafetensors(f16).latents.data]).toEqual([1, -2]);
    const bf16 = rawFile(
      `{${entry('latents', 'BF16', [1, 1, 1, 2], [0, 4])}}`,
      Uint8Array.of(0x80, 0x3f, 0x00, 0xc0),
    );
    expect([...decodeLatentSafetensors(bf16).latents.data]).toEqual([1, -2]);
  });

  test('no tensor of that name → SHAPE listing what is there', () => {
    const message = (got: string) =>
      `decodeLatentSafetensors: "tensor names" expected latents, got ${got} (not a file of latents?)`;
    const other = writeSafetensors([
      ['decoded', latents],
      ['noise', latents],
    ]);
    expectError(() => decodeLatentSafetensors(other), 'SHAPE', message('decoded, noise'));
    const none = writeSafetensors([]);
    expectError(() => decodeLatentSafetensors(none), 'SHAPE', message('no tensor'));
  });

  test('a batch, three dimensions, another dtype, other channels → SHAPE, UNSUPPORTED', () => {
    const where = 'decodeLatentSafetensors';
    const write = (shape: number[], metadata = {}) =>
      writeSafetensors([['latents', { ...latents, shape }]], metadata);
    expectError(
      () => decodeLatentSafetensors(write([2, 4, 1, 3])),
      'SHAPE',
      `${where}: "latents" expected shape [1,C,h,w], got [2,4,1,3] (a file holds the latents of one picture)`,
    );
    expectError(
      () => decodeLatentSafetensors(write([4, 2, 3])),
      'SHAPE',
      `${where}: "latents" expected shape [N,C,H,W], each at least 1, got [4,2,3] (add the batch dimension: [1,C,H,W])`,
    );
    expectError(
      () => decodeLatentSafetensors(write([1, 4, 2, 3], { 'taesd.model': 'taef1' })),
      'SHAPE',
      `${where}: "latents" expected shape [N,16,h,w] for model taef1, got [1,4,2,3] (latents of taesd or taesdxl?)`,
    );
    const ints = rawFile(`{${entry('latents', 'U8', [1, 1, 1, 2], [0, 2])}}`, Uint8Array.of(1, 2));
    expectError(
      () => decodeLatentSafetensors(ints),
      'UNSUPPORTED',
      `${where}: "tensor latents" expected a dtype of F32, F16, BF16, F64, F8_E4M3, F8_E5M2, got "U8"`,
    );
  });
});

describe('recorded values that are wrong', () => {
  const png = (text: Record<string, string>) => encodePng(latentsToPicture(latents), text);
  const safetensors = (text: Record<string, string>) =>
    writeSafetensors([['latents', latents]], text);
  const readers = [
    ['decodeLatentPng', (text: Record<string, string>) => decodeLatentPng(png(text))],
    [
      'decodeLatentSafetensors',
      (text: Record<string, string>) => decodeLatentSafetensors(safetensors(text)),
    ],
  ] as const;

  const malformed = ['abc', '0x5', '5x0', '', '17', '17x', '-17x9', '1e1x9', '17x9 ', '17.0x9'];
  const misfitting = ['16x9', '25x9', '17x8', '17x17', '9999999999x9', '9x17'];

  for (const [where, read] of readers) {
    test.each(malformed)(`${where}: size %j → FORMAT`, (size) => {
      const rule = 'expected WIDTHxHEIGHT, such as 451x300, got';
      const message = `${where}: "taesd.size" ${rule} ${JSON.stringify(size)}`;
      expectError(() => read({ 'taesd.size': size }), 'FORMAT', message);
    });

    test.each(misfitting)(`${where}: size %s for a latent of 3x2 → FORMAT`, (size) => {
      const rule = 'a size from 17x9 to 24x16, which a latent of 3x2 stands for';
      const message = `${where}: "taesd.size" expected ${rule}, got ${size} (resized after it was written?)`;
      expectError(() => read({ 'taesd.size': size }), 'FORMAT', message);
    });

    test.each(['taef3', '', '__proto__'])(`${where}: model %j → UNSUPPORTED`, (model) => {
      const rule = 'one of taesd, taesdxl, taesd3, taef1, taef2, taesana, taeqi2_1, taew2_1';
      const message = `${where}: "taesd.model" expected ${rule}, got ${JSON.stringify(model)} (written by a newer version?)`;
      expectError(() => read({ 'taesd.model': model }), 'UNSUPPORTED', message);
    });
  }
});

describe('encoding what could not be read back', () => {
  test.each([
    ['encodeLatentPng', encodeLatentPng],
    ['encodeLatentSafetensors', encodeLatentSafetensors],
  ])('%s: a wrong size, half a size, another model → ARG, SHAPE', (where, encode) => {
    expectError(
      () => encode({ latents, width: 25, height: 9 }),
      'ARG',
      `${where}: "width, height" expected a size from 17x9 to 24x16, which a latent of 3x2 stands for, got 25x9`,
    );
    expectError(
      () => encode({ latents, width: 17 }),
      'ARG',
      `${where}: "height" expected a whole number from 1 to 2147483647, got undefined`,
    );
    expectError(
      () => encode({ latents, model: 'taesd3' }),
      'SHAPE',
      `${where}: "latents" expected shape [N,16,h,w] for model taesd3, got [1,4,2,3] (latents of taesd or taesdxl?)`,
    );
  });

  test.each([
    ['encodeLatentPng', encodeLatentPng],
    ['encodeLatentSafetensors', encodeLatentSafetensors],
  ])('%s: an unknown space → ARG', (where, encode) => {
    for (const [space, got] of [
      ['VAE', '"VAE"'],
      [{ toString: 1 }, '{ toString }'],
    ]) {
      const file = { latents, model: 'taesd', space } as unknown as LatentFile;
      const message = `${where}: "space" expected 'diffusion' or 'vae', got ${got}`;
      expectError(() => encode(file), 'ARG', message);
    }
  });

  test.each([
    ['encodeLatentPng', encodeLatentPng],
    ['encodeLatentSafetensors', encodeLatentSafetensors],
  ])('%s: no such object → ARG', (where, encode) => {
    for (const [value, got] of [
      [null, 'null'],
      [undefined, 'undefined'],
      ['latents', '"latents"'],
    ] as const) {
      const rule = 'an object { latents, model, width, height }';
      const call = () => encode(value as unknown as LatentFile);
      expectError(call, 'ARG', `${where}: "file" expected ${rule}, got ${got}`);
    }
    const call = () => encode({} as LatentFile);
    const rule = 'a tensor { shape, data: Float32Array }';
    expectError(call, 'ARG', `${where}: "latents" expected ${rule}, got undefined`);
  });

  test.each([
    ['decodeLatentPng', decodeLatentPng],
    ['decodeLatentSafetensors', decodeLatentSafetensors],
  ])('%s, where latents are decoded: no bytes → ARG', (where, decode) => {
    const call = () => decode(null as unknown as Uint8Array);
    expectError(call, 'ARG', `${where}: "bytes" expected a Uint8Array or ArrayBuffer, got null`);
  });

  test('encodeLatentSafetensors: a batch → SHAPE', () => {
    expectError(
      () => encodeLatentSafetensors({ latents: { ...latents, shape: [2, 2, 2, 3] } }),
      'SHAPE',
      'encodeLatentSafetensors: "latents" expected shape [1,C,h,w], got [2,2,2,3] (a file holds the latents of one picture)',
    );
  });
});
