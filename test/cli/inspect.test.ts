import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeLatentPng, encodeLatentSafetensors } from '../../src/formats/index.ts';
import { LATENT_FORMATS } from '../../src/formats/table.ts';
import { describeNetwork } from '../../src/model/measure.ts';
import { encoderOf, modelNames, VARIANTS } from '../../src/model/variants.ts';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import type { Tensor } from '../../src/tensor.ts';
import { entry, rawFile } from '../safetensors/raw-file.ts';
import { randomTensors } from '../small-model.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

const at = temporaryFolder();

/** The lines that `taesd inspect …` prints, at most 100 columns wide. */
function inspect(...args: string[]): string[] {
  const { code, stdout, stderr } = taesd(['inspect', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  return lines;
}

/** The same for a file with these bytes. */
function inspectBytes(name: string, bytes: Uint8Array, ...args: string[]): string[] {
  writeFileSync(at(name), bytes);
  return inspect(at(name), ...args);
}

function refused(name: string, bytes: Uint8Array, message: string, ...args: string[]): void {
  writeFileSync(at(name), bytes);
  const stderr = `taesd: ${message.replaceAll('FILE', at(name))}\n`;
  expect(taesd(['inspect', at(name), ...args])).toEqual({ code: 1, stdout: '', stderr });
}

const encoderTable = `encoder, for an input of 3×300×451:
 #  layer                                  output  parameters   multiply-adds
──  ─────────────────────────────────  ──────────  ──────────  ──────────────
 0  conv 3×3 3→64                      64×300×451       1,792     233,798,400
 1  block 64→64: 3 × conv 3×3 + skip   64×300×451     110,784  14,963,097,600
 2  conv 3×3 64→64, stride 2, no bias  64×150×226      36,864   1,249,689,600
 3  block 64→64: 3 × conv 3×3 + skip   64×150×226     110,784   3,749,068,800
 4  block 64→64: 3 × conv 3×3 + skip   64×150×226     110,784   3,749,068,800
 5  block 64→64: 3 × conv 3×3 + skip   64×150×226     110,784   3,749,068,800
 6  conv 3×3 64→64, stride 2, no bias   64×75×113      36,864     312,422,400
 7  block 64→64: 3 × conv 3×3 + skip    64×75×113     110,784     937,267,200
 8  block 64→64: 3 × conv 3×3 + skip    64×75×113     110,784     937,267,200
 9  block 64→64: 3 × conv 3×3 + skip    64×75×113     110,784     937,267,200
10  conv 3×3 64→64, stride 2, no bias    64×38×57      36,864      79,847,424
11  block 64→64: 3 × conv 3×3 + skip     64×38×57     110,784     239,542,272
12  block 64→64: 3 × conv 3×3 + skip     64×38×57     110,784     239,542,272
13  block 64→64: 3 × conv 3×3 + skip     64×38×57     110,784     239,542,272
14  conv 3×3 64→4                         4×38×57       2,308       4,990,464
──  ─────────────────────────────────  ──────────  ──────────  ──────────────
    total                                 4×38×57   1,222,532  31,621,480,704
receptive field of a latent: its 8×8 pixels, 145 more above and left, 138 below and right`.split(
  '\n',
);

describe('a model', () => {
  test('inspect: taesd, 451x300 → what it is, both tables', () => {
    const lines = inspect('taesd', '--size', '451x300');
    expect(lines.slice(0, 4)).toEqual([
      'model    taesd, for Stable Diffusion 1 and 2',
      "latents  4 channels, 1/8 of the picture's width and height, rounded up",
      'scale    0.18215, shift 0: x = (z − 0) · 0.18215 from a latent z of the full VAE',
      '',
    ]);
    expect(lines.slice(4, 4 + encoderTable.length)).toEqual(encoderTable);
    const rest = lines.slice(4 + encoderTable.length);
    expect(rest[1]).toBe('decoder, for an input of 4×38×57:');
    expect(rest[4]).toMatch(/^ 0 {2}clamp, tanh\(x \/ 3\) · 3 +4×38×57 +– +–$/);
    expect(rest[10]).toMatch(/^ 6 {2}upsample ×2, nearest +64×76×114 +– +–$/);
    expect(rest.at(-1)).toBe(
      'receptive field of a pixel: the latent it lies in, 19 more above and left, 19 below and right',
    );
  });

  test('inspect: taef2 → blocks with a pool, receptive fields of the whole picture', () => {
    const lines = inspect('taef2', '--size', '451x300');
    expect(lines.slice(0, 2)).toEqual([
      'model    taef2, for FLUX.2',
      "latents  32 channels, 1/8 of the picture's width and height, rounded up",
    ]);
    const pooled = lines.filter((line) => line.includes('pool'));
    expect(pooled.map((line) => line.trim().split(/ {2,}/))).toEqual(
      [11, 12, 13, 3, 4, 5].map((index) => [
        `${index}`,
        'block 64→64: pool, 3 × conv 3×3 + skip',
        '64×38×57',
        '144,064',
        '310,517,760',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('receptive'))).toEqual([
      'receptive field of a latent: the whole picture',
      'receptive field of a pixel: the whole picture',
    ]);
  });

  test.each(modelNames())('inspect: %s → totals for 512×512 as the model counts them', (name) => {
    const variant = VARIANTS[name];
    const totals = inspect(name).filter((line) => /^ +total/.test(line));
    const halves = (['encoder', 'decoder'] as const).filter(
      (half) => half === 'decoder' || encoderOf(variant) === name,
    );
    expect(totals.length).toBe(halves.length);
    for (const [index, part] of halves.entries()) {
      const channels = variant.latentChannels;
      const { pictureChannels, downscale } = variant;
      const side = 512 / downscale;
      const picture = [pictureChannels, 512, 512] as const;
      const latent = [channels, side, side] as const;
      const input = part === 'encoder' ? picture : latent;
      const rows = describeNetwork(variant.networks[part], input);
      const sum = (of: (row: (typeof rows)[number]) => number) =>
        rows.reduce((total, row) => total + of(row), 0).toLocaleString('en-US');
      const output = (part === 'encoder' ? latent : picture).join('×');
      const cells = [output, sum((row) => row.parameters), sum((row) => row.multiplyAdds)];
      expect(totals[index].trim().split(/ {2,}/)).toEqual(['total', ...cells]);
    }
  });
});

describe('weights', () => {
  const encoder = [...randomTensors('taesd', 'encoder')];
  const decoder16 = [...randomTensors('taef1', 'decoder')];

  test('inspect: original layout → models by shape, counts, metadata, table', () => {
    const metadata = { note: 'random\x1b[31m' };
    const bytes = writeSafetensors(encoder, metadata);
    const lines = inspectBytes('e.safetensors', bytes, '--size', '451x300');
    expect(lines).toEqual([
      'kind        weights of TAESD, the original layout',
      'encoder     fits taesd and taesdxl, 4 latent channels',
      'parameters  1,222,532',
      'types       F32 (67 tensors)',
      'note        random\\u001b[31m',
      '',
      ...encoderTable,
    ]);
  });

  test('inspect: diffusers → both parts', () => {
    const decoder = [...randomTensors('taesd', 'decoder')].map(([name, tensor]) => {
      const [number, ...inner] = name.split('.');
      return [`decoder.layers.${Number(number) - 1}.${inner.join('.')}`, tensor] as const;
    });
    const named = encoder.map(([name, tensor]) => [`encoder.layers.${name}`, tensor] as const);
    const lines = inspectBytes('both.safetensors', writeSafetensors([...named, ...decoder]));
    expect(lines.slice(0, 4)).toEqual([
      "kind        weights of TAESD, diffusers' layout",
      'encoder     fits taesd and taesdxl, 4 latent channels',
      'decoder     fits taesd and taesdxl, 4 latent channels',
      'parameters  2,445,063',
    ]);
    expect(lines).toContain('encoder, for an input of 3×512×512:');
    expect(lines).toContain('decoder, for an input of 4×64×64:');
  });

  test("inspect: ComfyUI's combined layout → scale and shift", () => {
    const number = (value: number): Tensor => ({ shape: [], data: Float32Array.of(value) });
    const tensors = decoder16.map(([name, tensor]) => [`taesd_decoder.${name}`, tensor] as const);
    const bytes = writeSafetensors([
      ...tensors,
      ['vae_scale', number(0.375)],
      ['vae_shift', number(0.125)],
    ]);
    expect(inspectBytes('comfy.safetensors', bytes).slice(0, 5)).toEqual([
      "kind        weights of TAESD, ComfyUI's combined layout",
      'decoder     fits taesd3, taef1 and taef1-1.1, 16 latent channels',
      'vae_scale   0.375',
      'vae_shift   0.125',
      'parameters  1,229,443',
    ]);
  });

  test('inspect: a tensor missing, latents of no model → says so, lists tensors', () => {
    const broken = decoder16.filter(([name]) => name !== '19.bias');
    const lines = inspectBytesWide('broken.safetensors', writeSafetensors(broken));
    expect(lines[1]).toBe(
      'decoder     not whole: "decoder 19.bias" expected shape [3], got no such tensor',
    );
    expect(lines).toContain('decoder:');
    expect(lines.some((line) => /^19\.weight +\[3,64,3,3\] +1,728$/.test(line))).toBe(true);
    const alone = writeSafetensors(decoder16.filter(([name]) => name === '3.conv.0.bias'));
    expect(inspectBytes('alone.safetensors', alone)[1]).toBe(
      'decoder     fits no model: no layer takes or makes latents',
    );
    const odd: [string, Tensor] = [
      '1.weight',
      { shape: [64, 48, 3, 3], data: new Float32Array(64 * 48 * 9) },
    ];
    expect(inspectBytes('odd.safetensors', writeSafetensors([odd]))[1]).toBe(
      'decoder     fits no model: 48 latent channels',
    );
  });

  const inspectBytesWide = (name: string, bytes: Uint8Array) => {
    writeFileSync(at(name), bytes);
    return taesd(['inspect', at(name)]).stdout.split('\n');
  };
});

describe('latents and pictures', () => {
  const latents: Tensor = { shape: [1, 4, 2, 3], data: new Float32Array(24) };
  latents.data[0] = -1.5;
  latents.data[23] = 3;

  test('inspect: .safetensors with everything recorded, with nothing → says which', () => {
    const bytes = encodeLatentSafetensors({ latents, model: 'taesdxl', width: 17, height: 9 });
    expect(inspectBytes('z.safetensors', bytes)).toEqual([
      'kind        latents, F32',
      'shape       [1,4,2,3]',
      'space       diffusion',
      'model       taesdxl, for Stable Diffusion XL',
      'decodes to  17×9',
      'values      −1.500 … 3.000, mean 0.063',
    ]);
    expect(inspectBytes('bare', encodeLatentSafetensors({ latents }))).toEqual([
      'kind        latents, F32',
      'shape       [1,4,2,3]',
      'space       diffusion',
      'model       not recorded',
      'decodes to  24×16',
      'values      −1.500 … 3.000, mean 0.063',
      'note        the file does not say its space; diffusion space is assumed',
      'note        the file does not say its model; its channels are those of taesd or taesdxl',
    ]);
  });

  test('inspect: channels of no model, values that are not finite → says so', () => {
    const data = Float32Array.of(Number.NaN, 1, -Infinity, 0, 0);
    const five = encodeLatentSafetensors({ latents: { shape: [1, 5, 1, 1], data } });
    expect(inspectBytes('five.safetensors', five).slice(2)).toEqual([
      'space       diffusion',
      'model       not recorded',
      'decodes to  8×8',
      'values      0.000 … 1.000, mean 0.333; 2 are NaN or infinite',
      'note        the file does not say its space; diffusion space is assumed',
      'note        the file does not say its model; no model has 5 channels',
    ]);
  });

  test('inspect: .png of latents → what it records', () => {
    const bytes = encodeLatentPng({ latents, model: 'taesd', width: 24, height: 16 });
    expect(inspectBytes('z.png', bytes).slice(0, 5)).toEqual([
      'kind        8-bit latents, an RGBA picture',
      'shape       [1,4,2,3]',
      'space       diffusion',
      'model       taesd, for Stable Diffusion 1 and 2',
      'decodes to  24×16',
    ]);
  });

  test('inspect: latents of taef2, .safetensors and .png → 32 channels, its name', () => {
    const data = new Float32Array(32 * 6).fill(1.5);
    const file = { latents: { shape: [1, 32, 2, 3], data }, model: 'taef2' as const };
    const lines = [
      'shape       [1,32,2,3]',
      'space       diffusion',
      'model       taef2, for FLUX.2',
      'decodes to  17×9',
    ];
    const size = { width: 17, height: 9 };
    const tensors = encodeLatentSafetensors({ ...file, ...size });
    expect(inspectBytes('f2.safetensors', tensors).slice(1, 5)).toEqual(lines);
    expect(inspectBytes('f2.png', encodeLatentPng({ ...file, ...size })).slice(1, 5)).toEqual(
      lines,
    );
    const bare = inspectBytes('f2', encodeLatentSafetensors({ latents: file.latents }));
    expect(bare).toContain('model       not recorded');
    expect(bare.join(' ')).toContain('its channels are those of taef2');
  });

  test('inspect: a ComfyUI latent, a batch, one of it → VAE space, each size', () => {
    const batch: Tensor = { shape: [2, 4, 1, 1], data: Float32Array.of(8, 8, 8, 8, 9, 8, 8, 8) };
    const marker: Tensor = { shape: [0], data: new Float32Array(0) };
    const bytes = writeSafetensors([
      ['latent_tensor', batch],
      ['latent_format_version_0', marker],
    ]);
    const whose =
      'note        the file does not say its model; its channels are those of taesd or taesdxl';
    expect(inspectBytes('b.latent', bytes)).toEqual([
      'kind        ComfyUI latent, F32',
      'shape       [2,4,1,1]',
      'space       VAE',
      'model       not recorded',
      'decodes to  8×8, each of 2',
      'values      8.000 … 9.000, mean 8.125',
      whose,
    ]);
    expect(inspectBytes('b.latent', bytes, '--pick', '0', '--model', 'taesdxl').slice(1)).toEqual([
      'shape       [1,4,1,1]',
      'space       VAE',
      'model       taesdxl, for Stable Diffusion XL',
      'decodes to  8×8',
      'values      8.000 … 8.000, mean 8.000',
    ]);
    const wrong = inspectBytes('b.latent', bytes, '--model', 'taesd', '--space', 'diffusion');
    expect(wrong.slice(6).join(' ').replace(/ +/g, ' ')).toMatch(
      /^note the root mean square in diffusion space is 8\.1\d, .*; are the numbers in VAE space\?$/,
    );
    const message = 'FILE: "latents" expected a batch of at least 3, for pick 2, got [2,4,1,1]';
    refused('b.latent', bytes, message, '--pick', '2');
  });

  test('inspect: options of latents for a model, a picture, weights → refused', () => {
    const refused = (subject: string, option: string, contents: string) => ({
      code: 1,
      stdout: '',
      stderr: `taesd: ${subject}${option} is for latents, not for ${contents}\n`,
    });
    expect(taesd(['inspect', 'taesd', '--pick', '1'])).toEqual(refused('', '--pick', 'models'));
    const picture = at('picture.png');
    writeFileSync(picture, encodePng(randomPicture(17, 12, 3)));
    const inVae = ['inspect', picture, '--space', 'vae'];
    expect(taesd(inVae)).toEqual(refused(`${picture}: `, '--space', 'pictures'));
    const weights = at('w.safetensors');
    const tensor = { shape: [64, 4, 3, 3], data: new Float32Array(64 * 36) };
    writeFileSync(weights, writeSafetensors([['1.weight', tensor]]));
    const picked = ['inspect', weights, '--pick', '0'];
    expect(taesd(picked)).toEqual(refused(`${weights}: `, '--pick', 'weights'));
  });

  test('inspect: gzipped, or with the ending of another format → by content', () => {
    const latents = { shape: [1, 4, 2, 3], data: new Float32Array(24).fill(1) };
    const bytes = encodeLatentSafetensors({ latents, model: 'taesd' });
    expect(inspectBytes('z.png', bytes)[0]).toBe('kind        latents, F32');
    const packed = new Uint8Array(gzipSync(bytes));
    expect(inspectBytes('z.pt', packed)[0]).toBe('kind        latents, F32, gzipped');
  });

  test('inspect: raw numbers without --shape → how many there are, and the option', () => {
    const rule = 'expected [N,C,h,w] or [C,h,w] of 24 f32 numbers, got none';
    const message = `FILE: "shape" ${rule} (such as --shape 1x4x64x64)`;
    refused('z.f32', new Uint8Array(96), message);
    refused('z.dat', new Uint8Array(96), message, '--dtype', 'f32');
  });

  test('inspect: raw numbers with --shape → as described', () => {
    const bytes = new Uint8Array(2 * 4 * 6);
    for (const shape of ['1x4x2x3', '4x2x3', '1,4,2,3', '[4, 2, 3]']) {
      expect(
        inspectBytes('z.f16', bytes, '--shape', shape, '--model', 'taesdxl').slice(0, 2),
      ).toEqual(['kind        raw numbers, F16', 'shape       [1,4,2,3]']);
    }
    const message = 'FILE: "raw numbers" expected 96 bytes for F32 [4,2,3], got 48';
    refused('z.f16', bytes, message, '--shape', '4x2x3', '--dtype', 'f32');
  });

  test('inspect: any other PNG → its size, what it would become', () => {
    expect(inspectBytes('p.png', encodePng(randomPicture(17, 12, 3)))).toEqual([
      'kind        a PNG picture; no record that it holds latents',
      'size        17×12',
      'encodes to  latents [1,4,2,3] of taesd, taesdxl or nano',
      'encodes to  latents [1,16,2,3] of taesd3, taef1, taef1-1.1 or taew2_1',
      'encodes to  latents [1,32,2,3] of taef2',
      'encodes to  latents [1,32,1,1] of taesana',
      'encodes to  latents [1,64,1,2] of taeqi2_1',
      'decodes to  136×96, if it holds latents of taesd, taesdxl, nano or nano-sdxl',
      'decodes to  136×24, if it holds latents of taesd3, taef1, taef1-1.1, taew2_1, nano-sd3 or nano-flux1',
    ]);
    expect(inspectBytes('p.png', encodePng(randomPicture(17, 9, 3)))).toHaveLength(8);
  });

  test('inspect: decoded f32 → shape and values', () => {
    const decoded: Tensor = { shape: [1, 3, 1, 2], data: Float32Array.of(0, 1, -0.25, 1.25, 1, 0) };
    expect(inspectBytes('d.safetensors', writeSafetensors([['decoded', decoded]]))).toEqual([
      'kind    a decoded picture, F32, not clamped to [0, 1]',
      'shape   [1,3,1,2]',
      'values  −0.250 … 1.250, mean 0.500',
    ]);
  });
});

describe('what cannot be read → exit 1', () => {
  const ascii = (text: string) => new TextEncoder().encode(text);

  test('inspect: a damaged .pth file, by its name or by its bytes → the fault', () => {
    const message = 'FILE: "zip archive" expected an end record, got none (cut off?)';
    refused('taef2.pth', ascii('PK\x03\x04 and so on'), message);
    refused('download', ascii('PK\x03\x04 and so on'), message);
  });

  test('inspect: neither ending nor bytes known → the first bytes', () => {
    const endings = LATENT_FORMATS.flatMap((format) => format.endings);
    const names = endings.join(', ').replace(/, (?=[^,]*$)/, ' or ');
    const message = (got: string) =>
      `FILE: expected a picture (PNG, JPEG, WebP), latents or weights (${names}), got ${got} (--shape and --dtype describe raw numbers)`;
    const first = 'a file that begins with';
    refused('notes.txt', ascii('# Pictures'), message(`${first} "# Pictures"`));
    refused('short', ascii('#'), message(`${first} "#"`));
    refused('bytes', ascii('#\x00 Pictures'), message(`${first} 23 00 20 50 69 63 74 75`));
    refused('empty', ascii(''), message('an empty file'));
  });

  test('inspect: a picture of a kind that is not read → its name, and a program that converts it', () => {
    const [kind, ...note] = inspectBytes('x.qoi', ascii('qoif and so on'));
    expect(kind).toBe('kind  a QOI picture');
    expect(note.join(' ').replace(/ +/g, ' ')).toBe(
      `note not read; "magick ${at('x.qoi')} out.png" of ImageMagick makes a PNG of it`,
    );
    const gif = ascii('GIF89a\x07\x00\x05\x00');
    expect(inspectBytes('x.gif', gif).slice(0, 2)).toEqual(['kind  a GIF picture', 'size  7×5']);
    expect(JSON.parse(inspect(at('x.gif'), '--json').join(''))).toEqual({
      kind: 'picture',
      format: 'GIF',
      width: 7,
      height: 5,
      encodesTo: [],
      decodesTo: [],
      notes: [`not read; "magick '${at('x.gif')}[0]' out.png" of ImageMagick makes a PNG of it`],
    });
  });

  test('inspect: --size for what has no layers → refused', () => {
    const latents: Tensor = { shape: [1, 4, 1, 1], data: new Float32Array(4) };
    const decoded: Tensor = { shape: [1, 3, 1, 1], data: new Float32Array(3) };
    for (const [name, bytes, got] of [
      ['s.png', encodeLatentPng({ latents, model: 'taesd' }), 'latents'],
      ['s.png', encodePng(randomPicture(3, 3, 3)), 'a picture'],
      ['s.safetensors', encodeLatentSafetensors({ latents }), 'latents'],
      ['s.safetensors', writeSafetensors([['decoded', decoded]]), 'a decoded picture'],
    ] as const) {
      const message = `FILE: --size is for models and weights, not for ${got}`;
      refused(name, bytes, message, '--size', '64x64');
    }
  });

  test('inspect: an ending that lies → what the bytes are', () => {
    const web = 'got HTML (the address is wrong, or a web page was saved in place of the file)';
    const rule = 'FILE: "bytes" expected a safetensors file,';
    refused('w.safetensors', ascii('<!doctype html><html></html>'), `${rule} ${web}`);
  });

  test('inspect: tensors of something else → the names there should be', () => {
    const names =
      'names of TAESD: original 1.weight, diffusers decoder.layers.0.weight, or ComfyUI taesd_decoder.1.weight';
    const bytes = rawFile(`{${entry('lora.up', 'U8', [1], [0, 1])}}`, Uint8Array.of(1));
    const message = `FILE: "tensor names" expected ${names}, got lora.up (another model, or a full VAE?)`;
    refused('lora.safetensors', bytes, message);
  });

  test('inspect: several, one of them bad → a block each, a line, exit 1; --json → a list', () => {
    const picture = encodePng({ width: 8, height: 8, data: new Uint8Array(192) });
    writeFileSync(at('one.png'), picture);
    writeFileSync(at('two.png'), picture);
    const args = ['inspect', at('one.png'), at('lost.png'), 'nano', at('two.png')];
    const { code, stdout, stderr } = taesd(args);
    const lines = [`${at('lost.png')}: no such file`, '1 of 4 files failed'];
    expect(code).toBe(1);
    expect(stderr.replace(/ \(models: [^)]+\)/, '')).toBe(
      lines.map((line) => `taesd: ${line}\n`).join(''),
    );
    const alone = (name: string) => taesd(['inspect', name]).stdout;
    expect(stdout).toBe(
      [at('one.png'), 'nano', at('two.png')].map((name) => `${name}:\n${alone(name)}`).join('\n'),
    );
    const listed = taesd([...args, '--json']);
    expect({ code: listed.code, stderr: listed.stderr }).toEqual({ code, stderr });
    const document = (name: string) => ({
      file: name,
      ...JSON.parse(taesd(['inspect', name, '--json']).stdout),
    });
    expect(JSON.parse(listed.stdout)).toEqual([at('one.png'), 'nano', at('two.png')].map(document));
    expect(taesd(['inspect', at('lost.png'), at('lost.png'), '--json']).stdout).toBe('[]\n');
  });

  test('inspect: ./taesd → a file with the name of a model', () => {
    mkdirSync(at('named'));
    writeFileSync(at('named/taesd'), encodePng(randomPicture(8, 8, 3)));
    const { stdout } = taesd(['inspect', './taesd'], { cwd: at('named') });
    expect(stdout).toContain('size        8×8\n');
    expect(taesd(['inspect', 'taesd'], { cwd: at('named') }).stdout).toContain('model    taesd');
  });
});
