import { describe, expect, test } from 'vitest';
import { comfyLatent } from '../../src/formats/comfy-latent.ts';
import { encodeLatentSafetensors, readLatents } from '../../src/formats/index.ts';
import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { createPreviewer } from '../../src/preview/index.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { readLatentsLike } from '../../src/tensor-like/read-latents-like.ts';
import type { TensorLike } from '../../src/tensor-like/types.ts';
import {
  comfyByHand,
  musubiByHand,
  npyByHand,
  safetensorsByHand,
} from '../formats/files-by-hand.ts';
import { roundedNumbers } from '../formats/seeded-numbers.ts';
import { dict, torchByHand } from '../formats/torch-by-hand.ts';
import { readGolden, realWeights } from '../golden.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { testShared } from '../shared.ts';
import { randomWeights } from '../small-model.ts';

/*
 * FLUX.2's packed latents: maps [N, 128, h/2, w/2] and tokens [N, P, 128].
 */

const MAP = randomTensor(seededRandom(4), [1, 128, 3, 4], 2);

/** PyTorch's pixel_shuffle by 2, from its definition. */
function shuffled({ shape: [batch, channels, rows, columns], data }: Tensor): Tensor {
  const shape = [batch, channels / 4, 2 * rows, 2 * columns];
  const [, c, h, w] = shape;
  const all = Float32Array.from({ length: data.length }, (_, i) => {
    const [x, y] = [i % w, Math.floor(i / w) % h];
    const [channel, n] = [Math.floor(i / w / h) % c, Math.floor(i / w / h / c)];
    const from = 4 * channel + 2 * (y % 2) + (x % 2);
    return data[((n * channels + from) * rows + (y >> 1)) * columns + (x >> 1)];
  });
  return { shape, data: all };
}

/** [N, C, h, w] made [N, h, w, C]. */
function channelsLast({ shape: [n, c, h, w], data }: Tensor): Tensor {
  const all = Float32Array.from({ length: data.length }, (_, i) => {
    const [k, at] = [i % c, Math.floor(i / c)];
    return data[(Math.floor(at / h / w) * c + k) * h * w + (at % (h * w))];
  });
  return { shape: [n, h, w, c], data: all };
}

function tokensOf(map: Tensor): Tensor {
  const { shape, data } = channelsLast(map);
  return { shape: [shape[0], shape[1] * shape[2], shape[3]], data };
}

const read = async (value: TensorLike, size: object = {}) => {
  const needs = { what: 'latents', channels: [32], ...size };
  return (await readLatentsLike(value, needs, VARIANTS.taef2)).tensor;
};

describe('a tensor for taef2 → its latents, as pixel_shuffle makes them', () => {
  const two = randomTensor(seededRandom(6), [2, 128, 2, 5], 2);
  const size = { width: 64, height: 48 };
  test.each<[string, TensorLike, object, Tensor]>([
    ['a map', MAP, {}, shuffled(MAP)],
    ['a batch of maps', two, {}, shuffled(two)],
    ['a map without a batch axis', { ...MAP, shape: [128, 3, 4] }, {}, shuffled(MAP)],
    ['a map, declared', { ...MAP, layout: 'packed' }, {}, shuffled(MAP)],
    ['a map, channels last', { ...channelsLast(MAP), layout: 'NHWC' }, {}, shuffled(MAP)],
    ['a map of f64', { ...MAP, data: Float64Array.from(MAP.data) }, {}, shuffled(MAP)],
    ['tokens, by size', tokensOf(MAP), size, shuffled(MAP)],
    ['tokens, nearest to a square', tokensOf(MAP), {}, shuffled(MAP)],
    ['tokens, a batch', tokensOf(two), { width: 80 }, shuffled(two)],
    ['a plain latent', shuffled(MAP), {}, shuffled(MAP)],
    [
      'a plain batch of 128',
      { shape: [128, 32, 1, 1], data: new Float32Array(4096) },
      {},
      {
        shape: [128, 32, 1, 1],
        data: new Float32Array(4096),
      },
    ],
  ])('%s', async (_, value, by, wanted) => {
    expect(await read(value, by)).toEqual(wanted);
  });

  test('[128,h,128], [32,h,128] → [C,h,w] below 256 rows; from there on refused', async () => {
    const value = (n: number, h: number) => ({
      shape: [n, h, 128],
      data: new Float32Array(n * h * 128),
    });
    expect((await read(value(128, 2))).shape).toEqual([1, 32, 4, 256]);
    expect((await read(value(32, 255))).shape).toEqual([1, 32, 255, 128]);
    for (const n of [32, 128]) {
      await expect(read(value(n, 256))).rejects.toThrow(
        `"latents" expected a batch axis, or layout: 'NCHW' or 'packed', got [${n},256,128] (one latent [C,h,w], or ${n} packed ones?)`,
      );
    }
    expect((await read({ ...value(128, 4), layout: 'packed' })).shape).toEqual([128, 32, 4, 4]);
  });

  test('latents of a video with 128 channels → SHAPE', async () => {
    const taesd = await Taesd.load({
      model: 'taef2',
      weights: { decoder: randomWeights('taef2', 'decoder') },
      only: 'decoder',
    });
    const video = { shape: [1, 128, 1, 3, 4], data: MAP.data };
    await expect(taesd.decode(video)).rejects.toMatchObject({ code: 'SHAPE' });
    taesd.dispose();
  });
});

test.each([
  ['taesd', MAP.shape, '[1,128,3,4]'],
  ['taef1', [128, 3, 4], '[1,128,3,4]'],
  ['taef1', [1, 12, 128], '[1,1,12,128]'],
] as const)('latents of FLUX.2 for %s, %j → SHAPE that names taef2', async (model, shape, got) => {
  const decoder = randomWeights(model, 'decoder');
  const taesd = await Taesd.load({ model, weights: { decoder }, only: 'decoder' });
  const { latentChannels } = VARIANTS[model];
  await expect(taesd.decode({ shape, data: MAP.data })).rejects.toThrow(
    `decode: "latents" expected shape [N,${latentChannels},h,w] for model ${model}, got ${got} (packed latents of taef2?`,
  );
  expect(
    (
      await taesd.decode({
        shape: [1, latentChannels, 1, 1],
        data: new Float32Array(latentChannels),
      })
    ).width,
  ).toBe(8);
  taesd.dispose();
});

describe('files of packed latents → unpacked', () => {
  const numbers = roundedNumbers('F32', MAP.shape, MAP.data);
  const bare = roundedNumbers('F32', MAP.shape.slice(1), MAP.data);
  const wanted = { latents: shuffled(MAP), width: 64, height: 48 };
  const known = { ...wanted, model: 'taef2', space: 'diffusion' };
  test.each<[string, Uint8Array, object, object]>([
    ['.npy', npyByHand(numbers), {}, { ...wanted, model: 'taef2' }],
    ['.npy, [128,h,w]', npyByHand(bare), { model: 'taef2' }, known],
    ['safetensors', safetensorsByHand([['x', numbers]]), {}, wanted],
    ['safetensors, latents', safetensorsByHand([['latents', numbers]]), {}, wanted],
    ['ComfyUI', comfyByHand(numbers), {}, known],
    ['torch, ComfyUI samples', torchByHand(dict(['samples', numbers]), { version: 2 }), {}, known],
    [
      'musubi-tuner',
      musubiByHand([['latents_3x4_float32', bare]], 'flux_2_klein_4b', [64, 48]),
      {},
      known,
    ],
    ['raw', new Uint8Array(MAP.data.buffer), { shape: MAP.shape, dtype: 'f32' }, wanted],
  ])('%s', async (_, bytes, options, found) => {
    expect(await readLatents(bytes, options)).toMatchObject(found);
  });

  test('ComfyUI, written and read again → the bits; odd sizes → SHAPE', async () => {
    const file = { latents: shuffled(MAP), model: 'taef2' as const };
    const bytes = comfyLatent.write(file);
    expect(readSafetensors(bytes).tensors.get('latent_tensor')?.shape).toEqual(MAP.shape);
    expect(await readLatents(bytes)).toMatchObject({ ...file, space: 'diffusion' });
    const odd = { shape: [1, 32, 1, 2], data: new Float32Array(64) };
    expect(() => comfyLatent.write({ latents: odd, model: 'taef2' })).toThrow(
      '"latents" expected even rows and columns, to be [N,128,h/2,w/2], got [1,32,1,2]',
    );
  });

  test('tokens in a file → SHAPE, with what to do', async () => {
    const { shape, data } = tokensOf(MAP);
    await expect(readLatents(npyByHand(roundedNumbers('F32', shape, data)))).rejects.toThrow(
      'got [1,12,128] (tokens of taef2? they do not say their rows: unpack them to [N,32,h,w])',
    );
  });
});

describe('VAE space of taef2 → UNSUPPORTED with the reason, and what works', () => {
  const message =
    `"space" expected 'diffusion' for model taef2, got 'vae' (the numbers are in the VAE's own file; ` +
    "take the pipeline's latents, before its BatchNorm is undone)";
  const latents = randomTensor(seededRandom(2), [1, 32, 1, 1]);

  test('fromVaeLatents, toVaeLatents, files to write', () => {
    for (const work of [
      () => fromVaeLatents(latents, 'taef2'),
      () => toVaeLatents(latents, 'taef2'),
      () => encodeLatentSafetensors({ latents, model: 'taef2', space: 'vae' }),
    ]) {
      expect(work).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
      expect(work).toThrow(message);
    }
  });

  test('decode, decodeRows, steps, a previewer; then the instance works', async () => {
    const decoder = randomWeights('taef2', 'decoder');
    const taesd = await Taesd.load({ model: 'taef2', weights: { decoder }, only: 'decoder' });
    const before = await taesd.decode(latents);
    const refused = { code: 'UNSUPPORTED', message: expect.stringContaining(message) };
    await expect(taesd.decode(latents, { space: 'vae' })).rejects.toMatchObject(refused);
    await expect(taesd.decodeRows({ ...latents, space: 'vae' }).next()).rejects.toMatchObject(
      refused,
    );
    await expect(taesd.steps({ latents, space: 'vae' }).next()).rejects.toMatchObject(refused);
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const previewer = createPreviewer(taesd, { onFrame: () => {}, onError, space: 'vae' });
    previewer.push(latents);
    await previewer.idle();
    expect(errors).toEqual([expect.objectContaining({ code: 'UNSUPPORTED' })]);
    expect(await taesd.decode(latents)).toEqual(before);
    taesd.dispose();
  });

  test('a file in that space → read as it is, without a guess about its spread', async () => {
    const bytes = npyByHand(roundedNumbers('F32', latents.shape, latents.data));
    const found = await readLatents(bytes, { model: 'taef2', space: 'vae' });
    expect(found).toMatchObject({ space: 'vae', model: 'taef2', assumed: [] });
    expect(found.latents).toEqual(latents);
  });
});

testShared('the golden file → unpacked to the bit, decoded within 1e-4 by every call', async () => {
  const golden = readGolden('family/taef2-packed-4x3');
  const [packed, latents, decoded] = ['packed', 'latents', 'decoded'].map(golden);
  expect(await read(packed)).toEqual(latents);
  expect(await read(tokensOf(packed), { width: 64, height: 48 })).toEqual(latents);
  const { decoder } = realWeights('taef2');
  const taesd = await Taesd.load({ model: 'taef2', weights: { decoder }, only: 'decoder' });
  const tensor = await taesd.decode(packed, { output: 'tensor' });
  const largest = tensor.data.reduce(
    (max, x, i) => Math.max(max, Math.abs(x - decoded.data[i])),
    0,
  );
  expect(tensor.shape).toEqual(decoded.shape);
  expect(largest).toBeLessThan(1e-4);
  const picture = await taesd.decode(latents);
  expect(await taesd.decode(tokensOf(packed))).toEqual(picture);
  const rows: number[] = [];
  let [y, done] = [0, 0];
  const onProgress = (progress: { done: number }) => {
    expect(progress.done).toBeGreaterThanOrEqual(done);
    ({ done } = progress);
  };
  for await (const batch of taesd.decodeRows(packed, { onProgress })) {
    expect([batch.y, batch.rows > 0]).toEqual([y, true]);
    y += batch.rows;
    rows.push(...batch.data);
  }
  expect([y, done]).toEqual([48, 48]);
  expect(Uint8ClampedArray.from(rows)).toEqual(picture.data);
  for await (const { inputs } of taesd.steps(packed)) {
    expect(inputs[0]).toEqual(latents);
    break;
  }
  const shown: unknown[] = [];
  const previewer = createPreviewer(taesd, {
    onFrame: (frame) => void shown.push(frame),
    width: 70,
  });
  previewer.push(packed);
  await previewer.idle();
  expect(shown).toEqual([picture]);
  taesd.dispose();
});
