import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import { modelNames } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { randomTensors } from '../small-model.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * The JSON documents. docs/command.md lists their keys.
 */

const at = temporaryFolder();

/** The one document that a command line prints. */
function json(...args: string[]) {
  const { code, stdout, stderr } = taesd([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.endsWith('}\n')).toBe(true);
  return JSON.parse(stdout);
}

function jsonOf(name: string, bytes: Uint8Array, ...args: string[]) {
  writeFileSync(at(name), bytes);
  return json('inspect', at(name), ...args);
}

describe('inspect --json', () => {
  test('latents → their keys, null for what is not known', () => {
    const data = Float32Array.of(-1, 2, Number.NaN, 2);
    const latents = { shape: [1, 4, 1, 1], data };
    const bytes = encodeLatentSafetensors({ latents, model: 'taesdxl', width: 7, height: 8 });
    expect(jsonOf('z.safetensors', bytes)).toEqual({
      kind: 'latents',
      source: 'latents, F32',
      shape: [1, 4, 1, 1],
      space: 'diffusion',
      model: 'taesdxl',
      width: 7,
      height: 8,
      values: { min: -1, max: 2, mean: 1, notFinite: 1 },
      notes: [],
    });
    const bare = jsonOf('bare.f32', new Uint8Array(16).fill(0xff), '--shape', '4x1x1');
    expect(bare).toMatchObject({ model: null, source: 'raw numbers, F32' });
    expect(bare.values).toEqual({ min: null, max: null, mean: null, notFinite: 4 });
    expect(bare.notes).toEqual([
      'the file does not say its space; diffusion space is assumed',
      'the file does not say its model; its channels are those of taesd or taesdxl',
    ]);
  });

  test('a picture → its kind, its size, what it would become', () => {
    expect(jsonOf('p.png', encodePng(randomPicture(17, 9, 3)))).toEqual({
      kind: 'picture',
      format: 'PNG',
      width: 17,
      height: 9,
      encodesTo: [
        { shape: [1, 4, 2, 3], models: ['taesd', 'taesdxl', 'nano'] },
        { shape: [1, 16, 2, 3], models: ['taesd3', 'taef1', 'taef1-1.1', 'taew2_1'] },
        { shape: [1, 32, 2, 3], models: ['taef2'] },
        { shape: [1, 32, 1, 1], models: ['taesana'] },
        { shape: [1, 64, 1, 2], models: ['taeqi2_1'] },
      ],
      decodesTo: [{ width: 136, height: 72, models: ['taesd', 'taesdxl', 'nano', 'nano-sdxl'] }],
      notes: [],
    });
  });

  test('weights → halves, layers, metadata; text that a terminal obeys is escaped', () => {
    const tensors = [...randomTensors('taef1', 'decoder')];
    const bytes = writeSafetensors(tensors, { note: 'a\x9b[31m\u202e' });
    writeFileSync(at('w.safetensors'), bytes);
    const { stdout } = taesd(['inspect', at('w.safetensors'), '--json', '--size', '16x8']);
    expect(stdout).toContain('"note": "a\\u009b[31m\\u202e"');
    const { decoder, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      kind: 'weights',
      notSupported: null,
      layout: 'original',
      prefix: '',
      spare: [],
      notes: [],
      encoder: null,
      vaeScale: null,
      vaeShift: null,
      parameters: 1229443,
      types: { F32: tensors.length },
      metadata: { note: 'a\x9b[31m\u202e' },
    });
    const { network, tensors: listed, ...fit } = decoder;
    expect(fit).toEqual({
      models: ['taesd3', 'taef1', 'taef1-1.1'],
      latentChannels: 16,
      fault: null,
    });
    expect(network).toMatchObject({ input: [16, 1, 2], parameters: 1229443 });
    expect(listed[0]).toEqual({ name: tensors[0][0], shape: tensors[0][1].shape });
    const withoutBias = tensors.filter(([name]) => name !== '19.bias');
    const broken = jsonOf('broken.safetensors', writeSafetensors(withoutBias));
    expect(broken.decoder).toMatchObject({ models: [], network: null });
    expect(broken.decoder.fault).toContain('got no such tensor');
  });

  test('a decoded picture, a model → their keys', () => {
    const decoded = { shape: [1, 3, 1, 1], data: Float32Array.of(0, 0.5, 1) };
    expect(jsonOf('d.safetensors', writeSafetensors([['decoded', decoded]]))).toEqual({
      kind: 'decoded',
      dtype: 'F32',
      shape: [1, 3, 1, 1],
      values: { min: 0, max: 1, mean: 0.5, notFinite: 0 },
    });
    const { encoder, decoder, ...rest } = json('inspect', 'taesd', '--size', '451x300');
    expect(rest).toEqual({
      kind: 'model',
      model: 'taesd',
      latentsOf: 'Stable Diffusion 1 and 2',
      latentChannels: 4,
      downscale: 8,
      scale: 0.18215,
      shift: 0,
      mean: null,
      std: null,
      scaleUnknown: null,
    });
    expect(json('inspect', 'taef2')).toMatchObject({
      latentChannels: 32,
      downscale: 8,
      scale: null,
      shift: null,
      mean: null,
      std: null,
      scaleUnknown: expect.stringMatching(/^the numbers are in the VAE's own file; take /),
      encoder: { receptiveField: 'whole' },
      decoder: { receptiveField: 'whole' },
    });
    expect(encoder.layers[0]).toEqual({
      index: 0,
      layer: 'conv 3×3 3→64',
      output: [64, 300, 451],
      parameters: 1792,
      multiplyAdds: 233798400,
    });
    const { layers, ...sums } = encoder;
    expect(layers).toHaveLength(15);
    expect(sums).toEqual({
      input: [3, 300, 451],
      parameters: 1222532,
      multiplyAdds: 31621480704,
      receptiveField: { before: 145, after: 138 },
    });
    expect(decoder.receptiveField).toEqual({ before: 19, after: 19 });
  });

  test('a file that cannot be read → a line on stderr, nothing on stdout', () => {
    const { code, stdout, stderr } = taesd(['inspect', at('no.png'), '--json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/no such file/);
  });
});

test('models --json → every model, its state and location', () => {
  const { models } = json('models');
  expect(models.map(({ model }: { model: string }) => model)).toEqual(modelNames());
  expect(models[0]).toEqual({
    model: 'taesd',
    latentsOf: 'Stable Diffusion 1 and 2',
    bytes: 4901158,
    state: 'missing',
    location: null,
    reason: null,
  });
  expect(models.at(-1)).toMatchObject({ state: 'found', location: 'in the package' });
});

test('docs/command.md → every key of every document', () => {
  const text = readFileSync(new URL('../../docs/command.md', import.meta.url), 'utf8');
  const keys = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value) && key !== 'note' && !/^B?F\d/.test(key)) keys.add(key);
      collect(inner);
    }
  };
  for (const name of ['z.safetensors', 'p.png', 'w.safetensors', 'd.safetensors']) {
    collect(json('inspect', at(name)));
  }
  collect(json('inspect', 'taesd'));
  collect(json('models'));
  expect(keys.size).toBeGreaterThan(40);
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
});
