import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  decodeLatentPng,
  decodeLatentSafetensors,
  encodeLatentPng,
  encodeLatentSafetensors,
} from '../../src/formats/index.ts';
import { dequantizeLatents, quantizeLatents, toVaeLatents } from '../../src/latent.ts';
import type { ImageLike, SizeOptions } from '../../src/options/types.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { testAtFullLength } from '../full-length.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * The commands against the API, on random weights: every byte that they write is what the API
 * gives. 17×9 is a size that 8 does not divide: its latent is 3×2, and stands for 24×16.
 */

const at = temporaryFolder();
const WEIGHTS = at('weights');
const RGB = randomPicture(17, 9, 3);
const TRANSLUCENT = randomPicture(17, 9, 4);
const [RGB_FILE, TRANSLUCENT_FILE] = [at('rgb.png'), at('translucent.png')];
let api: Taesd;
let api16: Taesd;
let latents: Tensor;

const done = { code: 0, stdout: '', stderr: '' };
const env = { TAESD_WEIGHTS: WEIGHTS };
const unmarked = (name: string) =>
  `taesd: note: ${at(name)}: nothing in this PNG says that it holds latents\n`;
const noModel = (name: string) =>
  `taesd: note: ${at(name)}: the file does not say its model; its channels are those of taesd or taesdxl\n` +
  'taesd: note: decoding with taesd; --model chooses another\n';
const read = (name: string) => new Uint8Array(readFileSync(at(name)));
const pixels = (name: string) => {
  const { width, height, data } = decodePng(read(name));
  return { width, height, data: [...data] };
};
const apiPixels = async (instance: Taesd, tensor: Tensor, options: SizeOptions = {}) => {
  const { width, height, data } = await instance.decode(tensor, { ...options, output: 'image' });
  return { width, height, data: [...data] };
};
const throughBytes = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});

beforeAll(async () => {
  writeWeights(WEIGHTS, ['taesd', 'taesdxl', 'taef1']);
  writeFileSync(RGB_FILE, encodePng(RGB));
  writeFileSync(TRANSLUCENT_FILE, encodePng(TRANSLUCENT));
  api = await Taesd.load({ weights: WEIGHTS });
  api16 = await Taesd.load({ weights: WEIGHTS, model: 'taef1' });
  latents = await api.encode(RGB);
});

describe('encode', () => {
  test('encode [wasm]: to .safetensors → f32 latents, model and size recorded; nothing said on a pipe', () => {
    expect(taesd(['encode', RGB_FILE, '-o', at('z.safetensors')], { env })).toEqual(done);
    const file = { latents, model: 'taesd', width: 17, height: 9 };
    expect(decodeLatentSafetensors(read('z.safetensors'))).toEqual(file);
  });

  test('encode [wasm]: to .PNG in capitals → 8-bit latents, model and size recorded', () => {
    const args = ['encode', RGB_FILE, '--output', at('z.PNG'), '--weights', WEIGHTS];
    expect(taesd(args)).toEqual(done);
    const file = decodeLatentPng(read('z.PNG'));
    expect(file).toEqual({ latents: throughBytes(latents), model: 'taesd', width: 17, height: 9 });
  });

  test('encode [wasm]: 16 channels → four tiles one below the other', async () => {
    const args = ['encode', RGB_FILE, '-o', at('z16.png'), '--model', 'taef1'];
    expect(taesd(args, { env })).toEqual(done);
    expect(decodePng(read('z16.png'))).toMatchObject({ width: 3, height: 8 });
    const file = decodeLatentPng(read('z16.png'));
    expect(file.model).toBe('taef1');
    expect(file.latents).toEqual(throughBytes(await api16.encode(RGB)));
  });

  test.each([
    [[], {}],
    [['--background', 'white'], { background: [255, 255, 255] }],
    [['--background', '#102030'], { background: [16, 32, 48] }],
    [['--background=0,0,0'], { background: [0, 0, 0] }],
    [['--background', 'drop'], { alpha: 'drop' }],
  ] as const)(
    'encode [wasm]: a translucent picture, %j → as the API does',
    async (options, alpha) => {
      const args = ['encode', TRANSLUCENT_FILE, '-o', at('t.safetensors'), ...options];
      expect(taesd(args, { env })).toEqual(done);
      const wanted = await api.encode(TRANSLUCENT, alpha as Parameters<Taesd['encode']>[1]);
      expect(decodeLatentSafetensors(read('t.safetensors')).latents).toEqual(wanted);
      const plain = await api.encode(opaque(TRANSLUCENT));
      const same = [...wanted.data].every((value, i) => value === plain.data[i]);
      expect(same, 'alpha matters').toBe('alpha' in alpha);
    },
  );
});

describe('--max-size', () => {
  test('encode, roundtrip [wasm]: fewer pixels than the longer side has → as the API; the size is recorded', async () => {
    const args = ['encode', RGB_FILE, '-o', at('s.safetensors'), '--max-size', '11'];
    expect(taesd(args, { env })).toEqual(done);
    const scaled = await api.encode(RGB, { maxSize: 11 });
    const file = { latents: scaled, model: 'taesd', width: 11, height: 6 };
    expect(decodeLatentSafetensors(read('s.safetensors'))).toEqual(file);
    const again = ['roundtrip', RGB_FILE, '-o', at('s.png'), '--float', '--max-size=11'];
    expect(taesd(again, { env })).toEqual(done);
    expect(pixels('s.png')).toEqual(await apiPixels(api, scaled, { width: 11, height: 6 }));
  });

  test('encode [wasm]: the longer side or more → the picture as it is', () => {
    for (const size of ['17', '999999999']) {
      const args = ['encode', RGB_FILE, '-o', at('s.safetensors'), '--max-size', size];
      expect(taesd(args, { env })).toEqual(done);
      const file = { latents, model: 'taesd', width: 17, height: 9 };
      expect(decodeLatentSafetensors(read('s.safetensors'))).toEqual(file);
    }
  });
});

describe('decode', () => {
  test('decode [wasm]: .png latents → those bytes dequantised; the recorded size crops to 17×9', async () => {
    writeFileSync(at('in.png'), encodeLatentPng({ latents, model: 'taesd', width: 17, height: 9 }));
    expect(taesd(['decode', at('in.png'), '-o', at('d.png')], { env })).toEqual(done);
    const wanted = await apiPixels(api, throughBytes(latents), { width: 17, height: 9 });
    expect(pixels('d.png')).toEqual(wanted);
  });

  test('decode [wasm]: nothing recorded → taesd, 8 times the latent; --size crops', async () => {
    writeFileSync(at('bare.png'), encodeLatentPng({ latents }));
    const bare = { ...done, stderr: unmarked('bare.png') + noModel('bare.png') };
    expect(taesd(['decode', at('bare.png'), '-o', at('full.png')], { env })).toEqual(bare);
    expect(pixels('full.png')).toEqual(await apiPixels(api, throughBytes(latents)));
    expect(pixels('full.png')).toMatchObject({ width: 24, height: 16 });
    const args = ['decode', at('bare.png'), '-o', at('sized.png'), '--size', '20x10'];
    expect(taesd(args, { env })).toEqual(bare);
    const size = { width: 20, height: 10 };
    expect(pixels('sized.png')).toEqual(await apiPixels(api, throughBytes(latents), size));
  });

  test('decode [wasm]: --resolution, also as a decimal number → the picture or tensor of that size', async () => {
    writeFileSync(at('r.png'), encodeLatentPng({ latents, model: 'taesd', width: 17, height: 9 }));
    const args = ['decode', at('r.png'), '-o', at('half.png'), '--resolution', '1/2'];
    expect(taesd(args, { env })).toEqual(done);
    const size = { width: 17, height: 9, resolution: 1 / 2 };
    expect(pixels('half.png')).toEqual(await apiPixels(api, throughBytes(latents), size));
    expect(pixels('half.png')).toMatchObject({ width: 9, height: 5 });
    const others = ['-o', at('q.safetensors'), '--resolution=0.25', '--size', '24x16'];
    expect(taesd(['decode', at('r.png'), ...others], { env })).toEqual(done);
    expect(onlyTensor('q.safetensors').shape).toEqual([1, 3, 4, 6]);
  });

  test('decode [wasm]: .safetensors → f32 decoded, not clamped; --size wins over the recorded size', async () => {
    const file = { latents, model: 'taesd', width: 17, height: 9 } as const;
    writeFileSync(at('in.safetensors'), encodeLatentSafetensors(file));
    const args = ['decode', at('in.safetensors'), '-o', at('d.safetensors'), '--size=18x16'];
    expect(taesd(args, { env })).toEqual(done);
    const options = { width: 18, height: 16, output: 'tensor' } as const;
    const wanted = await api.decode(latents, options);
    expect(onlyTensor('d.safetensors')).toEqual(wanted);
    expect(wanted.shape).toEqual([1, 3, 16, 18]);
    expect(wanted.data.some((value) => value < 0 || value > 1)).toBe(true);
  });

  test('decode [wasm]: 16 channels → the recorded model decodes; for a bare file --model does', async () => {
    const tensor = await api16.encode(RGB);
    const wanted = await apiPixels(api16, throughBytes(tensor));
    writeFileSync(at('m16.png'), encodeLatentPng({ latents: tensor, model: 'taef1' }));
    expect(taesd(['decode', at('m16.png'), '-o', at('m.png')], { env })).toEqual(done);
    expect(pixels('m.png')).toEqual(wanted);
    writeFileSync(at('b16.png'), encodeLatentPng({ latents: tensor }));
    const args = ['decode', at('b16.png'), '-o', at('b.png'), '--model', 'taef1'];
    expect(taesd(args, { env })).toEqual({ ...done, stderr: unmarked('b16.png') });
    expect(pixels('b.png')).toEqual(wanted);
  });

  test('decode, steps: 16 channels and no model → refused before one is loaded, --model is named', () => {
    const path = at('bare16.safetensors');
    const data = new Float32Array(16);
    writeFileSync(path, encodeLatentSafetensors({ latents: { shape: [1, 16, 1, 1], data } }));
    const sentence =
      '"latents" expected shape [N,4,h,w] for model taesd, got [1,16,1,1] (latents of taesd3, taef1 or taew2_1? --model takes one: taesd3 for Stable Diffusion 3; taef1 for FLUX.1, Z-Image, HiDream; taew2_1 for Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B)';
    for (const command of ['decode', 'steps']) {
      const { code, stderr } = taesd([command, path, '-o', at('never.png')]);
      const lines = stderr.split('\n').filter((line) => !line.includes('does not say'));
      expect({ code, lines }).toEqual({ code: 1, lines: [`taesd: ${path}: ${sentence}`, ''] });
    }
  });

  test('decode [wasm]: --model, another one recorded → --model wins, and a line says so', () => {
    const path = at('xl.png');
    writeFileSync(path, encodeLatentPng({ latents, model: 'taesdxl' }));
    const args = (model: string) => ['decode', path, '-o', at('x.png'), '--model', model];
    const stderr = `taesd: note: ${path}: by its name or contents the file holds latents of taesdxl, not of taesd\n`;
    expect(taesd(args('taesd'), { env })).toEqual({ ...done, stderr });
    expect(taesd(args('taesdxl'), { env })).toEqual(done);
    const message =
      '"latents" expected shape [N,16,h,w] for model taef1, got [1,4,2,3] (latents of taesd or taesdxl? --model takes one: taesd for Stable Diffusion 1 and 2; taesdxl for Stable Diffusion XL)';
    expect(taesd(args('taef1'), { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: `taesd: ${path}: ${message}\n`,
    });
  });

  test('decode [wasm]: --size that the latent does not stand for → exit 1', () => {
    writeFileSync(at('bare.png'), encodeLatentPng({ latents }));
    const args = ['decode', at('bare.png'), '-o', at('never.png'), '--size', '25x16'];
    const message = '--size: expected 17x9 to 24x16, got 25x16 (it crops, it does not scale)';
    expect(taesd(args, { env })).toEqual({ code: 1, stdout: '', stderr: `taesd: ${message}\n` });
    expect(readdirSync(at('.'))).not.toContain('never.png');
  });
});

describe('latents of other programs', () => {
  /** Latents as ComfyUI saves them: in VAE space, with a marker. */
  const comfy = (data: Float32Array, batch: number) =>
    writeSafetensors([
      ['latent_tensor', { shape: [batch, 4, 2, 3], data }],
      ['latent_format_version_0', { shape: [0], data: new Float32Array(0) }],
    ]);
  const vae = () => toVaeLatents(latents, 'taesd');
  const decoded = (name: string, ...more: string[]) =>
    taesd(['decode', at(name), '-o', at('o.safetensors'), '--model', 'taesd', ...more], { env });
  const wanted = () => api.decode(latents, { output: 'tensor' });

  test('decode [wasm]: ComfyUI latent, a batch, --pick → the picture of these latents', async () => {
    writeFileSync(at('c.latent'), comfy(vae().data, 1));
    expect(decoded('c.latent')).toEqual(done);
    expectClose(onlyTensor('o.safetensors'), await wanted(), 1e-5);
    const other = new Float32Array(24).fill(3);
    writeFileSync(at('b.latent'), comfy(Float32Array.of(...vae().data, ...other), 2));
    const choice = '--pick 0 to --pick 1 choose one';
    const stderr = `taesd: note: ${at('b.latent')}: a batch of 2, of which the first is taken (${choice})\n`;
    expect(decoded('b.latent')).toEqual({ ...done, stderr });
    expectClose(onlyTensor('o.safetensors'), await wanted(), 1e-5);
    writeFileSync(at('b.latent'), comfy(Float32Array.of(...other, ...vae().data), 2));
    expect(decoded('b.latent', '--pick', '1')).toEqual(done);
    expectClose(onlyTensor('o.safetensors'), await wanted(), 1e-5);
  });

  test('encode [wasm] to .latent, .f32, .f16, .bf16 with --space, decode → the same picture', async () => {
    for (const [name, ...space] of [
      ['e.latent'],
      ['e.f32'],
      ['e.f32', '--space', 'vae'],
      ['e.f16', '--space', 'diffusion'],
      ['e.bf16', '--space', 'vae'],
    ]) {
      const encoding = ['encode', RGB_FILE, '-o', at(name), '--model', 'taesd', ...space];
      expect(taesd(encoding, { env })).toEqual(done);
      const shape = name === 'e.latent' ? [] : ['--shape', '1x4x2x3'];
      const { code, stderr } = decoded(name, ...shape, ...space);
      const assumed = 'the file does not say its space; diffusion space is assumed';
      const isSaid = name === 'e.latent' || space.length > 0;
      const line = isSaid ? '' : `taesd: note: ${at(name)}: ${assumed}\n`;
      expect({ code, stderr }).toEqual({ code: 0, stderr: line });
      const tolerance = name === 'e.bf16' ? 0.05 : name === 'e.f16' ? 0.01 : 1e-5;
      // A file of another program does not say how much of the last 8 pixels is the picture.
      expectClose(onlyTensor('o.safetensors'), await wanted(), tolerance);
    }
  });
});

describe('roundtrip', () => {
  const size = { width: 17, height: 9 };

  /** The trip's files, by its options. */
  const trips = new Map<string, string>();
  /** Returns the file of the picture's trip with these options, which is made once. */
  function trip(...options: string[]): string {
    const made = trips.get(options.join(' '));
    if (made !== undefined) return made;
    const name = `trip${trips.size}.png`;
    expect(taesd(['roundtrip', RGB_FILE, '-o', at(name), ...options], { env })).toEqual(done);
    trips.set(options.join(' '), name);
    return name;
  }

  test('roundtrip [wasm]: a picture → through 8-bit latents; --float → through none', async () => {
    const [bytes, float] = [pixels(trip()), pixels(trip('--float'))];
    expect(bytes).toEqual(await apiPixels(api, throughBytes(latents), size));
    expect(float).toEqual(await apiPixels(api, latents, size));
    expect(float).not.toEqual(bytes);
  });

  test('roundtrip [wasm]: a picture → as encode and decode through a file', () => {
    taesd(['encode', RGB_FILE, '-o', at('way.png')], { env });
    taesd(['decode', at('way.png'), '-o', at('back.png')], { env });
    expect(read('back.png')).toEqual(read(trip()));
  });

  test('roundtrip [wasm]: .safetensors → f32 decoded, cropped; translucent over --background', async () => {
    const args = ['roundtrip', TRANSLUCENT_FILE, '-o', at('r.safetensors'), '--float'];
    expect(taesd([...args, '--background', 'black'], { env })).toEqual(done);
    const encoded = await api.encode(TRANSLUCENT, { background: [0, 0, 0] });
    const wanted = await api.decode(encoded, { ...size, output: 'tensor' });
    expect(onlyTensor('r.safetensors')).toEqual(wanted);
  });

  testAtFullLength('roundtrip [reference]: a picture → within a byte of wasm', () => {
    const args = ['roundtrip', RGB_FILE, '-o', at('p.png'), '--float', '--backend', 'reference'];
    expect(taesd(args, { env })).toEqual(done);
    const wasm = pixels(trip('--float')).data;
    const differences = pixels('p.png').data.map((byte, i) => Math.abs(byte - wasm[i]));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  test('roundtrip [wasm]: --precision fast, --workers 2 → as the API does', async () => {
    const fast = await Taesd.load({ weights: WEIGHTS, precision: 'fast' });
    const wanted = await apiPixels(fast, await fast.encode(RGB), size);
    const args = ['roundtrip', RGB_FILE, '-o', at('fast.png'), '--float', '--precision', 'fast'];
    for (const workers of ['0', '2']) {
      expect(taesd([...args, '--workers', workers], { env })).toEqual(done);
      expect(pixels('fast.png')).toEqual(wanted);
    }
  });

  testAtFullLength(
    'roundtrip [wasm]: workers that cannot start → the same file, and a line that says why',
    () => {
      writeFileSync(
        at('no-workers.mjs'),
        `import { createRequire, syncBuiltinESMExports } from 'node:module';
      createRequire(import.meta.url)('node:worker_threads').Worker = class {
        constructor() { throw new Error('no threads left'); }
      };
      syncBuiltinESMExports();`,
      );
      const options = { env: { ...env, NODE_OPTIONS: `--import ${at('no-workers.mjs')}` } };
      const args = ['roundtrip', RGB_FILE, '-o', at('alone.png'), '--workers', '2'];
      const stderr = 'taesd: note: no workers, one thread did the work: no threads left\n';
      expect(taesd(args, options)).toEqual({ ...done, stderr });
      expect(read('alone.png')).toEqual(read(trip('--workers', '0')));
    },
  );
});

test('every command: done → no temporary file left', () => {
  expect(readdirSync(at('.')).filter((name) => name.includes('tmp'))).toEqual([]);
});

/** The picture with its alpha forgotten. */
function opaque({ width, height, data }: ImageLike): ImageLike {
  return { width, height, data: data.map((byte, i) => (i % 4 === 3 ? 255 : byte)) };
}

/** The tensor `decoded` of a file that holds nothing else. */
function onlyTensor(name: string): Tensor {
  const { tensors } = readSafetensors(read(name));
  expect([...tensors.keys()]).toEqual(['decoded']);
  const stored = tensors.get('decoded');
  if (stored === undefined) throw new Error('unreachable');
  return toTensor(stored, 'decoded');
}
