import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { byMatrix } from '../../src/cli/sheet/by-matrix.ts';
import { encodeLatentPng, encodeLatentSafetensors } from '../../src/formats/index.ts';
import type { ModelName } from '../../src/model/variants.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { taesd, taesdBytes, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * `taesd sheet` on small latents: pictures of at most 192 pixels are not scaled, so that a tile
 * holds the very pixels that the API decodes.
 */

const at = temporaryFolder();
const THUMB = 192;
const CELL = { width: THUMB + 8, height: THUMB + 5 + 2 * 11 + 8 };
const BROKEN = [78, 36, 38];
const NONE = [52, 56, 65];
const BACKGROUND = [38, 41, 48];

const latentsOf = (channels: number, width: number, height: number, seed = 1): Tensor =>
  randomTensor(seededRandom(seed), [1, channels, height, width], 1.5);

const fileOf = (model: ModelName, latents: Tensor) => encodeLatentSafetensors({ latents, model });

/** Latents of one number everywhere. */
const flat = (value: number): Tensor => ({
  shape: [1, 4, 2, 2],
  data: new Float32Array(16).fill(value),
});

function write(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [name, bytes] of Object.entries(files)) {
    const path = at(`${folder}/${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

const sheetOf = (name: string) => decodePng(new Uint8Array(readFileSync(at(name))));

/** The RGB pixels of a sheet in the middle of tile `n`, of a picture of this size. */
function tile(name: string, n: number, width: number, height: number, columns = 8): number[] {
  const sheet = sheetOf(name);
  const left = 8 + (n % columns) * CELL.width + ((THUMB - width) >> 1);
  const top = 8 + Math.floor(n / columns) * CELL.height + ((THUMB - height) >> 1);
  const pixels: number[] = [];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const pixel = 4 * (y * sheet.width + x);
      pixels.push(...sheet.data.subarray(pixel, pixel + 3));
    }
  }
  return pixels;
}

/** The RGB pixels that the API decodes as thumbnails are decoded. */
async function decoded(model: ModelName, latents: Tensor, weights?: string): Promise<number[]> {
  const instance = await Taesd.load({ model, weights, only: 'decoder', precision: 'fast' });
  const { data } = await instance.decode(latents);
  instance.dispose();
  return [...data.filter((_, i) => i % 4 < 3)];
}

const matrixOf = (model: ModelName, latents: Tensor, width: number, height: number) => {
  const shown = { latents, model, width, height, space: 'diffusion', isAssumed: false, batch: 1 };
  return [...byMatrix({ ...shown, space: 'diffusion' }, { width, height }).data];
};

const sd1 = latentsOf(4, 9, 6);
const xl = latentsOf(4, 5, 7, 2);
const flux = latentsOf(16, 6, 3, 3);
const flux2 = latentsOf(32, 6, 3, 3);

const pull = (model: string) =>
  `taesd: note: a matrix draws the latents of ${model}, by colours alone: ` +
  `taesd pull ${model} fetches its weights\n`;
const noModel = (files: string) =>
  `taesd: note: ${files} without a model's name: the label ends in ?; --model names it\n`;

beforeAll(() => {
  writeWeights(at('weights'), ['taef2']);
  writeWeights(at('elsewhere'), ['taesdxl']);
  write('mixed', {
    'a.safetensors': fileOf('taesd', sd1),
    'b.sft': fileOf('taesdxl', xl),
    'c.safetensors': fileOf('taef2', flux2),
    'd.safetensors': fileOf('taef1', flux),
    'e.safetensors': fileOf('taesd3', flux),
  });
});

describe('a folder of five models', () => {
  test('without weights → small models, a matrix; a line for the one that is missing', async () => {
    const outcome = taesd(['sheet', at('mixed'), '-o', at('mixed.png')]);
    const stderr = pull('taef2');
    expect(outcome).toEqual({ code: 0, stdout: '', stderr });
    const { width, height } = sheetOf('mixed.png');
    expect([width, height]).toEqual([5 * CELL.width + 8, CELL.height + 8]);
    expect(tile('mixed.png', 0, 72, 48)).toEqual(await decoded('nano', sd1));
    expect(tile('mixed.png', 1, 40, 56)).toEqual(await decoded('nano-sdxl', xl));
    expect(tile('mixed.png', 2, 48, 24)).toEqual(matrixOf('taef2', flux2, 48, 24));
    expect(tile('mixed.png', 3, 48, 24)).toEqual(await decoded('nano-flux1', flux));
    expect(tile('mixed.png', 4, 48, 24)).toEqual(await decoded('nano-sd3', flux));
  });

  test('with weights → their model, where there is no small one; without its own → a matrix', async () => {
    const weights = at('weights');
    const { code, stderr } = taesd([
      ...['sheet', at('mixed'), '-o', at('weighted.png'), '--weights', weights],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const others = at('elsewhere');
    const note = `taesd: note: a matrix draws the latents of taef2, by colours alone: "${others}" expected a folder that holds taef2_decoder.pth, got no such file (another model, or another folder?)\n`;
    const args = ['sheet', at('mixed'), '-o', at('other.png'), '--weights', others];
    expect(taesd(args)).toEqual({ code: 0, stdout: '', stderr: note });
    expect(tile('weighted.png', 0, 72, 48)).toEqual(await decoded('nano', sd1));
    expect(tile('weighted.png', 1, 40, 56)).toEqual(await decoded('nano-sdxl', xl));
    expect(tile('weighted.png', 2, 48, 24)).toEqual(await decoded('taef2', flux2, weights));
  });

  test('--quiet → no notes; -o - → the sheet on stdout, the bytes of the file', () => {
    const args = ['sheet', at('mixed'), '--quiet', '-o'];
    expect(taesd([...args, at('quiet.png')])).toEqual({ code: 0, stdout: '', stderr: '' });
    const whole = new Uint8Array(readFileSync(at('quiet.png')));
    expect(taesdBytes([...args, '-'])).toEqual({ code: 0, stdout: whole, stderr: '' });
  });

  test('a folder of weights that does not exist → refused before the work', () => {
    const args = ['sheet', at('mixed'), '-o', at('none.png')];
    const wrong = (name: string, got: string) => {
      const sentence = `"${at(name)}" expected a folder of weights, got ${got}`;
      const failed = (subject: string) => ({
        code: 1,
        stdout: '',
        stderr: `taesd: ${subject}${sentence}\n`,
      });
      expect(taesd([...args, '--weights', at(name)])).toEqual(failed(''));
      const env = { TAESD_WEIGHTS: at(name) };
      expect(taesd(args, { env })).toEqual(failed('TAESD_WEIGHTS: '));
    };
    wrong('lost', 'no such folder');
    wrong('lost.safetensors', 'no such file');
    wrong('mixed.png', 'a file (give its folder, or a file that ends in .safetensors or .pth)');
    expect(() => sheetOf('none.png')).toThrow('ENOENT');
  });

  test('--matrix → matrices alone, without a word; --columns, --thumb → the size', () => {
    const args = ['--matrix', '--columns', '2', '--thumb', '64'];
    const outcome = taesd(['sheet', at('mixed'), '-o', at('matrix.png'), ...args]);
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
    // A label of 64 pixels has three lines.
    const { width, height } = sheetOf('matrix.png');
    expect([width, height]).toEqual([2 * 72 + 8, 3 * (64 + 5 + 3 * 11 + 8) + 8]);
  });
});

test('names with numbers → in the order of the numbers', () => {
  const bytes = (value: number) => fileOf('taesd', flat(value));
  write('order', { 'x10.sft': bytes(2), 'x9.sft': bytes(-2), 'x1.sft': bytes(0) });
  const args = ['--matrix', '--columns', '1'];
  expect(taesd(['sheet', at('order'), '-o', at('order.png'), ...args]).code).toBe(0);
  for (const [n, value] of [0, -2, 2].entries()) {
    expect(tile('order.png', n, 16, 16, 1)).toEqual(matrixOf('taesd', flat(value), 16, 16));
  }
});

describe('files that are broken or hold no latents', () => {
  const whole = fileOf('taesd', flat(1));
  const nan = flat(1);
  nan.data[3] = NaN;

  test('broken ones → tiles, a line each, exit 1; the sheet is there', () => {
    const png = encodeLatentPng({ latents: sd1, model: 'taesd' });
    png[Buffer.from(png).indexOf('IDAT') + 8] ^= 255;
    write('broken', {
      'a.sft': whole,
      'b-cut.sft': whole.subarray(0, whole.length - 8),
      'c-nan.sft': writeSafetensors([['latents', nan]]),
      'd-damaged.png': png,
      'e-empty.npy': '',
      'f.sft': whole,
    });
    symlinkSync(at('nowhere'), at('broken/g-lost.npy'));
    const { code, stdout, stderr } = taesd(['sheet', at('broken'), '-o', at('broken.png')]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.split('\n').map((line) => line.replaceAll(at('broken'), 'DIR'));
    expect(lines[0]).toMatch(/^taesd: DIR\/b-cut.sft: "tensor latents" expected data up to /);
    expect(lines[1]).toBe(
      'taesd: DIR/c-nan.sft: "latents" expected finite numbers, got NaN at element 3',
    );
    expect(lines[2]).toMatch(/^taesd: DIR\/d-damaged.png: "IDAT at byte \d+" expected CRC-32 /);
    expect(lines[3]).toMatch(/^taesd: DIR\/e-empty.npy: .* got an empty file /);
    expect(lines[4]).toBe('taesd: DIR/g-lost.npy: no such file');
    expect(lines.slice(5)).toEqual(['taesd: 5 of 7 files failed', '']);
    const corners = [1, 2, 3, 4, 6].map((n) => tile('broken.png', n, THUMB, THUMB).slice(0, 3));
    expect(corners).toEqual([BROKEN, BROKEN, BROKEN, BROKEN, BROKEN]);
    expect(tile('broken.png', 5, 16, 16)).toEqual(tile('broken.png', 0, 16, 16));
  });

  test('pictures, texts, folders, hidden files, an older sheet → counted or left out, exit 0', () => {
    write('others', {
      'a.sft': whole,
      'b.txt': 'a text',
      'c.png': encodePng(randomPicture(9, 9, 3)),
      'd-opaque.png': encodePng({ ...randomPicture(9, 9, 4), data: new Uint8Array(324).fill(255) }),
      'e-weights.sft': writeSafetensors([['1.weight', flat(1)]]),
      'f.tar.gz': gzipSync('not latents'),
      'deep/g.sft': whole,
      '.hidden.sft': whole,
    });
    const outcome = taesd(['sheet', at('others'), '-o', at('others/sheet.png'), '--matrix']);
    // c.png is RGBA here, as encodePng writes it, and opaque.
    const stderr = 'taesd: note: 5 other files without latents\n';
    expect(outcome).toEqual({ code: 0, stdout: '', stderr });
    const { width } = sheetOf('others/sheet.png');
    const tiles = (width - 8) / CELL.width;
    expect(tiles).toBeGreaterThanOrEqual(3);
    expect(tile('others/sheet.png', tiles - 1, THUMB, THUMB).slice(0, 3)).toEqual(NONE);
    const again = taesd([
      ...['sheet', at('others'), '-o', at('others/sheet.png'), '--matrix', '--recursive'],
    ]);
    expect(again).toEqual(outcome);
    expect(sheetOf('others/sheet.png').width).toBe(width + CELL.width);
  });

  test('-o is one of the latents → refused, and still there', () => {
    write('own', { 'a.sft': whole, 'b.png': encodePng(randomPicture(9, 9, 4)) });
    const before = readFileSync(at('own/b.png'));
    const outcome = taesd(['sheet', at('own'), '-o', at('own/b.png'), '--matrix']);
    const message = `${at('own/b.png')}: expected another file than IN, got IN itself`;
    expect(outcome).toEqual({ code: 1, stdout: '', stderr: `taesd: ${message}\n` });
    expect(readFileSync(at('own/b.png'))).toEqual(before);
  });

  test('--recursive, a folder that is removed meanwhile → a line, exit 1; the rest is drawn', () => {
    write('inner', { 'a.sft': whole, 'gone/b.sft': whole, 'kept/c.sft': whole });
    // Permissions do not bind root, so the folder goes in the moment before it is read.
    const hook = `data:text/javascript,
      import fs from 'node:fs/promises';
      import { rmSync } from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { readdir } = fs;
      fs.readdir = (path, options) => {
        if (path.endsWith('gone')) rmSync(path, { recursive: true });
        return readdir(path, options);
      };
      syncBuiltinESMExports();`.replaceAll(/\s+/g, '%20');
    const args = ['sheet', at('inner'), '-o', at('inner.png'), '--matrix', '--recursive'];
    expect(taesd(args, { env: { NODE_OPTIONS: `--import ${hook}` } })).toEqual({
      code: 1,
      stdout: '',
      stderr: `taesd: ${at('inner/gone')}: no such folder\ntaesd: 1 of 3 files and folders failed\n`,
    });
    expect(sheetOf('inner.png').width).toBe(2 * CELL.width + 8);
    expect(tile('inner.png', 1, 16, 16, 2)).toEqual(matrixOf('taesd', flat(1), 16, 16));
  });

  test('a folder without any → one line, exit 1, no file', () => {
    write('texts', { 'a.txt': 'a text', 'deep/b.txt': 'another' });
    expect(taesd(['sheet', at('texts'), '-o', at('texts.png')])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `taesd: ${at('texts')}: expected a folder with files of latents, got 1 other file ` +
        '(--recursive reads the folders in it too)\n',
    });
    expect(() => sheetOf('texts.png')).toThrow('ENOENT');
  });

  test.each([
    [['mixed/a.safetensors', '-o', 'x.png'], 'expected a folder, got a file'],
    [['nowhere', '-o', 'x.png'], 'no such folder'],
  ])('%j → %s', ([folder, ...rest], sentence) => {
    const stderr = `taesd: ${at(folder)}: ${sentence}\n`;
    const outcome = taesd(['sheet', at(folder), rest[0], at(rest[1])]);
    expect(outcome).toEqual({ code: 1, stdout: '', stderr });
  });

  test('an ending that is no picture, too many pixels across → refused', () => {
    const text = taesd(['sheet', at('mixed'), '-o', at('x.txt')]).stderr;
    expect(text).toBe(
      `taesd: -o: ${at('x.txt')}: expected the ending .png (the sheet), got .txt (see taesd sheet --help)\n`,
    );
    const many = Object.fromEntries(
      Array.from({ length: 33 }, (_, i) => [`${i}.sft`, whole] as const),
    );
    write('wide', many);
    const args = ['--columns', '33', '--thumb', '1024'];
    expect(taesd(['sheet', at('wide'), '-o', at('wide.png'), ...args])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'taesd: --columns: expected a sheet of at most 32767 pixels, ' +
        'got 33 columns of 1024 pixels\n',
    });
  });
});

describe('what files do not say', () => {
  test('no model → the first that fits and ?; --model → for these files alone', () => {
    write('silent', {
      'a.sft': writeSafetensors([['latents', xl]]),
      'b.sft': fileOf('taef1', flux),
      'c.sft': writeSafetensors([['latents', flux]]),
    });
    const args = ['sheet', at('silent'), '-o', at('silent.png'), '--matrix'];
    expect(taesd(args)).toEqual({ code: 0, stdout: '', stderr: noModel('2 files') });
    expect(tile('silent.png', 0, 40, 56)).toEqual(matrixOf('taesd', xl, 40, 56));
    expect(tile('silent.png', 2, 48, 24)).toEqual(matrixOf('taesd3', flux, 48, 24));
    const named = taesd([...args, '--model', 'taesdxl']);
    expect(named).toEqual({ code: 0, stdout: '', stderr: noModel('1 file') });
    expect(tile('silent.png', 0, 40, 56)).toEqual(matrixOf('taesdxl', xl, 40, 56));
    expect(tile('silent.png', 1, 48, 24)).toEqual(matrixOf('taef1', flux, 48, 24));
  });

  test('raw numbers and several tensors → refused, or read as --shape and --tensor say', () => {
    write('raw', {
      'a.f32': new Uint8Array(flat(1).data.buffer),
      'b.sft': writeSafetensors([
        ['one', flat(1)],
        ['two', flat(-1)],
      ]),
      'c.npy.gz': gzipSync('not an array'),
    });
    const args = ['sheet', at('raw'), '-o', at('raw.png'), '--matrix'];
    const refused = taesd(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${at('raw/a.f32')}: "shape" expected [N,C,h,w] or [C,h,w] `);
    expect(refused.stderr).toContain('(--tensor NAME chooses one)');
    expect(refused.stderr).toContain('taesd: 3 of 3 files failed');
    const read = taesd([...args, '--shape', '4x2x2', '--tensor', 'two']);
    expect(read.stderr).toContain('taesd: 1 of 3 files failed');
    expect(tile('raw.png', 0, 16, 16)).toEqual(matrixOf('taesd', flat(1), 16, 16));
    expect(tile('raw.png', 1, 16, 16)).toEqual(matrixOf('taesd', flat(-1), 16, 16));
  });

  test('a batch → its first, and how many there are', () => {
    const both = {
      shape: [2, 4, 2, 2],
      data: Float32Array.from([...flat(1).data, ...flat(0).data]),
    };
    write('batch', { 'a.sft': writeSafetensors([['latents', both as Tensor]]) });
    const outcome = taesd(['sheet', at('batch'), '-o', at('batch.png'), '--matrix']);
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: noModel('1 file') });
    expect(tile('batch.png', 0, 16, 16, 1)).toEqual(matrixOf('taesd', flat(1), 16, 16));
    expect(tile('batch.png', 0, 18, 18, 1).slice(0, 3)).toEqual(BACKGROUND);
  });
});
