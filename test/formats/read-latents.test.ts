import { describe, expect, test } from 'vitest';
import { readLatents } from '../../src/formats/index.ts';
import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { isFullLength } from '../full-length.ts';
import { readGolden, seededWeights } from '../golden.ts';
import { TRIPS } from '../golden-trips.ts';
import { testShared } from '../shared.ts';
import {
  comfyByHand,
  musubiByHand,
  npyByHand,
  npzByHand,
  safetensorsByHand,
} from './files-by-hand.ts';
import { LATENT_CASES, twoResolutions } from './latent-cases.ts';
import { roundedNumbers, seededNumbers } from './seeded-numbers.ts';
import { dict, torchByHand } from './torch-by-hand.ts';

describe('readLatents', () => {
  for (const one of LATENT_CASES) {
    test(`${one.name} → its numbers to the bit, and what it says of itself`, async () => {
      const found = await readLatents(one.bytes, one.options);
      expect(found.latents.shape).toEqual(one.shape);
      expect([...found.latents.data]).toEqual([...one.values]);
      expect({ space: found.space, model: found.model }).toEqual({
        space: one.space,
        model: one.model,
      });
      const [h, w] = one.shape.slice(-2);
      expect([found.width, found.height]).toEqual([8 * w, 8 * h]);
      expect(found.source).toMatch(one.source);
      expect(found.assumed, found.assumed.join('\n')).toHaveLength(one.assumed.length);
      for (const [i, sentence] of one.assumed.entries()) expect(found.assumed[i]).toMatch(sentence);
    });
  }

  test('bytes at an odd address → the numbers', async () => {
    const [one] = LATENT_CASES;
    const moved = new Uint8Array(one.bytes.length + 1);
    moved.set(one.bytes, 1);
    expect((await readLatents(moved.subarray(1))).latents.data).toEqual(one.values);
  });
});

describe('options of readLatents', () => {
  const batch = seededNumbers('F32', [3, 4, 2, 3], 1, 8);
  const bytes = comfyByHand(batch);

  test('model, space → win over the file, and nothing is assumed', async () => {
    const found = await readLatents(bytes, { model: 'taesdxl', space: 'vae' });
    expect(found).toMatchObject({ model: 'taesdxl', space: 'vae', assumed: [] });
    const plain = comfyByHand(seededNumbers('F32', [1, 4, 2, 3], 1));
    const other = await readLatents(plain, { model: 'taesd', space: 'diffusion' });
    expect(other).toMatchObject({ model: 'taesd', space: 'diffusion', assumed: [] });
  });

  test('pick → one of the batch', async () => {
    const { latents } = await readLatents(bytes, { pick: 2 });
    expect(latents).toEqual({ shape: [1, 4, 2, 3], data: batch.values.slice(48) });
  });

  test('a name with another ending → the content decides', async () => {
    const found = await readLatents(bytes, { name: 'x.npz' });
    expect(found.source).toBe('ComfyUI latent, F32');
  });

  test('the spread of another space → a sentence', async () => {
    const { assumed } = await readLatents(bytes, { model: 'taesd', space: 'diffusion' });
    expect(assumed).toEqual([
      expect.stringMatching(/^the root mean square in diffusion space is 4\.7\d, .*VAE space\?$/),
    ]);
  });

  test.for<[string, Record<string, unknown>, RegExp]>([
    ['an unknown option', { modle: 'taesd' }, /^readLatents: .*modle/],
    ['an unknown model', { model: 'sdxl' }, /"model" expected/],
    ['an unknown space', { space: 'pixel' }, /"space" expected .*diffusion.*vae/],
    ['a negative pick', { pick: -1 }, /"pick" expected/],
    ['a fraction to pick', { pick: 0.5 }, /"pick" expected/],
    ['a tensor that is no text', { tensor: 3 }, /"tensor" expected/],
    ['a name that is no text', { name: 3 }, /"name" expected/],
    [
      'shape of a file that says its own',
      { shape: [3, 4, 2, 3], dtype: 'f32' },
      /"bytes" expected raw numbers, because "shape" is given, got a ComfyUI latent/,
    ],
    ['dtype of a file that says its own', { dtype: 'f32' }, /because "dtype" is given/],
  ])('%s → ARG', async ([, options, message]) => {
    await expect(readLatents(bytes, options)).rejects.toMatchObject({
      name: 'TaesdError',
      code: 'ARG',
      message: expect.stringMatching(message),
    });
  });

  test.for<[string, Record<string, unknown>, RegExp]>([
    ['no type', { shape: [1, 4, 2, 3] }, /"dtype" expected one of f32, f16, bf16/],
    ['an unknown type', { shape: [1, 4, 2, 3], dtype: 'f64' }, /"dtype" expected/],
    ['two axes', { shape: [2, 3], dtype: 'f32' }, /"shape" expected/],
    ['a size of 0', { shape: [1, 4, 0, 3], dtype: 'f32' }, /"shape" expected/],
    ['a shape that is no list', { shape: '1,4,2,3', dtype: 'f32' }, /"shape" expected/],
  ])('raw numbers, %s → ARG', async ([, options, message]) => {
    await expect(readLatents(new Uint8Array(96), options)).rejects.toMatchObject({
      code: 'ARG',
      message: expect.stringMatching(message),
    });
  });

  test.for<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'x.latent'],
    ['an array', [1, 2]],
  ])('%s for bytes → ARG', async ([, value]) => {
    await expect(readLatents(value as Uint8Array)).rejects.toMatchObject({ code: 'ARG' });
  });
});

describe('files without the latents of a model', () => {
  const numbers = (shape: number[]) => seededNumbers('F32', shape, 5);
  const refusals: [string, Uint8Array, Record<string, unknown>, string, RegExp][] = [
    ['pick past the batch', comfyByHand(numbers([1, 4, 2, 3])), { pick: 1 }, 'SHAPE', /pick 1/],
    ['48 channels', safetensorsByHand([['x', numbers([1, 48, 2, 3])]]), {}, 'SHAPE', /48/],
    [
      'two tensors',
      safetensorsByHand([
        ['a', numbers([4, 2, 3])],
        ['b', numbers([4, 2, 3])],
      ]),
      {},
      'SHAPE',
      /a.*b.*tensor: 'NAME' chooses one/,
    ],
    [
      'a tensor that is not there',
      safetensorsByHand([['a', numbers([4, 2, 3])]]),
      { tensor: 'b' },
      'SHAPE',
      /"tensor" expected "a", the only one, got "b"/,
    ],
    [
      'weights',
      safetensorsByHand([
        ['1.weight', numbers([64, 4, 3, 3])],
        ['3.weight', numbers([64, 4, 3, 3])],
      ]),
      {},
      'SHAPE',
      /weights of a model\?/,
    ],
    [
      'four frames of a video (not 16 latents of 4 channels)',
      musubiByHand([['latents_4x6x5_bf16', numbers([16, 4, 6, 5])]], 'flux_kontext', [40, 48]),
      {},
      'SHAPE',
      /\[16,4,6,5\]/,
    ],
    [
      'an architecture that no model speaks',
      musubiByHand([['latents_1x6x5_bf16', numbers([16, 1, 6, 5])]], 'hunyuan_video', [40, 48]),
      {},
      'UNSUPPORTED',
      /hunyuan_video/,
    ],
    ['nothing known', new Uint8Array(99).fill(7), {}, 'FORMAT', /shape and dtype describe raw/],
    ['no bytes', new Uint8Array(0), {}, 'FORMAT', /an empty file/],
  ];
  test.for(refusals)('%s → a sentence', async ([, bytes, options, code, message]) => {
    const error: Error = await readLatents(bytes, options).then(
      () => new Error('was read'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: 'TaesdError', code });
    expect(error.message).toMatch(/^readLatents: /);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });

  const several = twoResolutions({});
  test(`${several.name}, none named → the largest, and a sentence`, async () => {
    const found = await readLatents(several.bytes, several.options);
    expect(found.latents.shape.slice(2)).toEqual([6, 5]);
    expect(found.assumed).toContainEqual(
      'the file has several resolutions; the largest, latents_6x5, is used (others: latents_3x4)',
    );
  });
});

describe('decode', () => {
  const nano = Taesd.load({
    model: 'nano',
    weights: new URL('../../weights/nano', import.meta.url),
  });
  const output = 'tensor' as const;

  for (const one of LATENT_CASES.filter(({ shape }) => shape[1] === 4)) {
    test(`${one.name} → the picture of its numbers`, async () => {
      const taesd = await nano;
      const found = await readLatents(one.bytes, { ...one.options, model: 'taesd' });
      const got = await taesd.decode(found, { output });
      const numbers = { shape: one.shape, data: one.values };
      const own = one.space === 'vae' ? fromVaeLatents(numbers, 'taesd') : numbers;
      const wanted = await taesd.decode(own, { output });
      expectClose(got, wanted, 1e-6);
    });
  }
});

describe('F32 files of the golden latents', () => {
  for (const { file, model, large, slow } of TRIPS) {
    if ((large || slow || model === 'taeqi2_1') && !isFullLength) continue;
    testShared(`${file} → within 1e-4 of the golden picture`, async () => {
      const golden = readGolden(file);
      const [latents, decoded] = [golden('latents'), golden('decoded')];
      const stored = (data: Float32Array) => roundedNumbers('F32', latents.shape, data);
      // Latents of a model without numbers for its VAE's space are not in files of that space.
      const isKnown = !('unknown' in VARIANTS[model].fromVae);
      const inVae = isKnown ? [stored(toVaeLatents(latents, model).data)] : [];
      const files = [
        safetensorsByHand([['x', stored(latents.data)]]),
        ...inVae.map((one) => comfyByHand(one)),
        npyByHand(stored(latents.data)),
        npzByHand([['x', stored(latents.data)]], { isDeflated: true }),
        torchByHand(stored(latents.data), { version: 2 }),
        ...inVae.map((one) => torchByHand(dict(['samples', one]), { version: 2 })),
        stored(latents.data).bytes,
      ];
      const taesd = await Taesd.load({ model, weights: await seededWeights(model) });
      const errors = [];
      // Most files hold equal numbers, which are decoded once.
      const pictures = new Map<string, Tensor>();
      for (const bytes of files) {
        const isRaw = bytes.length === 4 * latents.data.length;
        const raw = isRaw ? ({ shape: latents.shape, dtype: 'f32' } as const) : {};
        const found = await readLatents(bytes, { model, ...raw });
        const key = `${found.space} ${found.latents.data}`;
        const picture = pictures.get(key) ?? (await taesd.decode(found, { output: 'tensor' }));
        pictures.set(key, picture);
        errors.push(expectClose(picture, decoded, 1e-4));
        expect(found.assumed.filter((sentence) => /root mean square/.test(sentence))).toEqual([]);
      }
      console.log(
        `${file}: largest errors ${errors.map((error) => error.toExponential(1)).join(', ')}`,
      );
    });
  }
});
