import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { colourOf } from '../../src/cli/maps/colours.ts';
import { encodeLatentPng, encodeLatentSafetensors } from '../../src/formats/index.ts';
import type { Step } from '../../src/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { isFullLength, testAtFullLength } from '../full-length.ts';
import { startTaesd, taesd, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * `taesd steps` against the API, on random weights: the files that it leaves, their pixels, its
 * table, and what it leaves where something is wrong.
 */

const at = temporaryFolder();
const WEIGHTS = at('weights');
/** Wide and low: the sheets of its maps are low, and soon written. */
const PICTURE = randomPicture(41, 9, 3);
const IN = at('in.png');
const env = { TAESD_WEIGHTS: WEIGHTS };
let latents: Tensor;
let steps: Step[];

beforeAll(async () => {
  writeWeights(WEIGHTS, ['taesd', 'taef1', ...(isFullLength ? (['taef2'] as const) : [])]);
  writeFileSync(IN, encodePng(PICTURE));
  const api = await Taesd.load({ weights: WEIGHTS });
  steps = [];
  for await (const step of api.steps(PICTURE)) steps.push(step);
  latents = steps[14].output;
  for await (const step of api.steps(latents)) steps.push(step);
  const size = { width: 41, height: 9 };
  writeFileSync(at('l.safetensors'), encodeLatentSafetensors({ latents, model: 'taesd', ...size }));
  writeFileSync(at('l.png'), encodeLatentPng({ latents, model: 'taesd', ...size }));
  writeFileSync(at('plain.png'), encodeLatentPng({ latents }));
});

const files = (folder: string) => readdirSync(at(folder)).sort();
const picture = (path: string) => decodePng(new Uint8Array(readFileSync(at(path))));

describe('steps', () => {
  test('a picture → a PNG for each layer of both halves, overview.png, a table of what the API tells', () => {
    const { code, stdout, stderr } = taesd(['steps', IN, '-o', at('both')], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const names = files('both');
    expect(names).toHaveLength(15 + 20 + 1);
    expect(names.slice(0, 3)).toEqual([
      '00-encoder-0-conv.png',
      '01-encoder-1-block.png',
      '02-encoder-2-conv.png',
    ]);
    expect(names.slice(-3)).toEqual([
      '33-decoder-18-block.png',
      '34-decoder-19-conv.png',
      'overview.png',
    ]);
    const rows = stdout.trimEnd().split('\n').slice(2);
    expect(rows).toHaveLength(35);
    for (const [n, { name, module, shape, output, parameters, multiplyAdds }] of steps.entries()) {
      const cells = rows[n].split(/ {2,}/);
      expect(cells.slice(0, 5)).toEqual([
        name,
        module,
        shape.slice(1).join('×'),
        parameters.toLocaleString('en-US'),
        multiplyAdds.toLocaleString('en-US'),
      ]);
      const { data } = output;
      const zeros = data.filter((value) => value === 0).length / data.length;
      expect(cells.slice(6)).toEqual([
        Math.min(...data).toFixed(3),
        Math.max(...data).toFixed(3),
        `${(100 * zeros).toFixed(1)} %`,
      ]);
    }
  });

  test('a layer’s picture → all channels, each number a square in its colour', () => {
    const { width, height, data } = picture('both/15-decoder-0-clamp.png');
    const [, , rows, columns] = steps[15].output.shape;
    // Four maps beside each other, 255 − 4 wide at most: squares of 83.
    const side = Math.floor((Math.floor(1020 / 4) - 4) / columns);
    expect([width, height]).toEqual([4 + 4 * (columns * side + 4), 4 + rows * side + 4]);
    const values = steps[15].output.data;
    const scale = Math.max(...values.map(Math.abs));
    for (const [channel, y, x] of [
      [0, 0, 0],
      [1, 1, 2],
      [3, 1, 0],
    ]) {
      const left = 4 + channel * (columns * side + 4) + x * side + (side >> 1);
      const pixel = 4 * ((4 + y * side + (side >> 1)) * width + left);
      const value = values[(channel * rows + y) * columns + x];
      // Of so few numbers 99.5 % are all, in bins of a 4096th.
      const wanted = colourOf(value / scale);
      for (const c of [0, 1, 2]) expect(Math.abs(data[pixel + c] - wanted[c])).toBeLessThan(2);
    }
  });

  testAtFullLength(
    `--max-size → the layers of the picture that encode scales; more pixels than the limit are taken`,
    async () => {
      const wide = randomPicture(130, 9000, 3);
      writeFileSync(at('wide.png'), encodePng(wide));
      const args = ['steps', at('wide.png'), '-o', at('scaled'), '--part', 'encoder'];
      const { code, stderr, stdout } = taesd([...args, '--max-size', '90'], { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const api = await Taesd.load({ weights: WEIGHTS });
      const { shape, data } = await api.encode(wide, { maxSize: 90 });
      let last: Step | undefined;
      const steps = api.steps(wide, { part: 'encoder', maxSize: 90 });
      for await (const step of steps) last = step;
      expect(last?.output).toEqual({ shape, data });
      const cells = stdout.trimEnd().split('\n').at(-1)?.split(/ {2,}/);
      expect(cells?.[2]).toBe(shape.slice(1).join('×'));
      expect(cells?.slice(6, 8)).toEqual([
        Math.min(...data).toFixed(3),
        Math.max(...data).toFixed(3),
      ]);
      api.dispose();
    },
  );

  const kind = isFullLength ? '--backend reference' : '--backend wasm';
  test(`${kind}, an existing folder → overwrites what has these names, leaves the rest`, () => {
    mkdirSync(at('used'));
    writeFileSync(at('used/notes.txt'), 'mine');
    writeFileSync(at('used/overview.png'), 'old');
    const args = ['steps', IN, '-o', at('used'), ...kind.split(' '), '--part', 'encoder'];
    expect(taesd(args, { env }).code).toBe(0);
    expect(readFileSync(at('used/notes.txt'), 'utf8')).toBe('mine');
    expect(picture('used/overview.png').width).toBeGreaterThan(100);
    expect(files('used')).toHaveLength(15 + 2);
  });

  test('overview → both halves beside each other; one half → one column', () => {
    const both = picture('both/overview.png');
    // The run before was of one half.
    expect(files('used')).toHaveLength(15 + 2);
    const one = picture('used/overview.png');
    expect(both.width).toBe(2 * one.width - 16);
    expect(new Set(both.data.subarray(0, 1e6)).size).toBeGreaterThan(100);
  });

  // 72 pictures.
  testAtFullLength(
    '--inner, taef2 → twelve operations of a block with a pool, in their order',
    () => {
      const args = ['steps', IN, '-o', at('pool'), '--part', 'encoder', '--inner'];
      expect(taesd([...args, '--model', 'taef2'], { env }).code).toBe(0);
      const names = files('pool').filter((name) => /encoder-(10|11)/.test(name));
      const operations = [
        ...['00-conv', '01-group-norm', '02-relu', '03-conv', '04-add'],
        ...['05-conv', '06-relu', '07-conv', '08-relu', '09-conv', '10-add', '11-relu'],
      ];
      expect(names).toEqual([
        '10-encoder-10-conv.png',
        ...operations.map((operation) => `11-encoder-11-block-${operation}.png`),
        '11-encoder-11-block.png',
      ]);
    },
  );

  // 86 pictures.
  testAtFullLength('--inner → the operations of each block too', () => {
    const args = ['steps', IN, '-o', at('inner'), '--part', 'encoder', '--inner'];
    expect(taesd(args, { env }).code).toBe(0);
    const names = files('inner');
    expect(names).toHaveLength(15 + 10 * 7 + 1);
    expect(names.filter((name) => name.startsWith('01-'))).toEqual([
      '01-encoder-1-block-0-conv.png',
      '01-encoder-1-block-1-relu.png',
      '01-encoder-1-block-2-conv.png',
      '01-encoder-1-block-3-relu.png',
      '01-encoder-1-block-4-conv.png',
      '01-encoder-1-block-5-add.png',
      '01-encoder-1-block-6-relu.png',
      '01-encoder-1-block.png',
    ]);
    // What comes out of the last operation is what comes out of the block.
    expect(picture('inner/01-encoder-1-block-6-relu.png')).toEqual(
      picture('inner/01-encoder-1-block.png'),
    );
  });

  testAtFullLength(
    'latents, .safetensors and .png → the decoder; a PNG that says nothing with --part decoder',
    () => {
      const run = (name: string, ...more: string[]) =>
        taesd(['steps', at(name), '-o', at(`of-${name}`), ...more], { env });
      const [exact, bytes, plain] = [
        run('l.safetensors'),
        run('l.png'),
        run('plain.png', '--part', 'decoder'),
      ];
      expect([exact.code, bytes.code, plain.code]).toEqual([0, 0, 0]);
      expect(plain.stderr).toContain('nothing in this PNG says that it holds latents');
      expect(files('of-l.safetensors')).toHaveLength(20 + 1);
      expect(picture('of-l.safetensors/19-decoder-19-conv.png')).toEqual(
        picture('both/34-decoder-19-conv.png'),
      );
      expect(picture('of-plain.png/19-decoder-19-conv.png')).toEqual(
        picture('of-l.png/19-decoder-19-conv.png'),
      );
    },
  );
});

describe('what is wrong → one line, exit 1, nothing left behind', () => {
  test.each([
    ['IN missing', ['steps', at('no.png'), '-o', at('x')], `${at('no.png')}: no such file`],
    ['DIR is a file', ['steps', IN, '-o', IN], `${IN}: expected a folder to write to, got a file`],
    [
      'DIR in no folder',
      ['steps', IN, '-o', at('no/x')],
      `${at('no/x')}: cannot be made (no such folder: ${at('no')})`,
    ],
    [
      'latents for the encoder',
      ['steps', at('l.png'), '-o', at('x'), '--part', 'encoder'],
      `${at('l.png')}: expected a picture for the encoder, got latents`,
    ],
    [
      'latents of another model',
      ['steps', at('l.png'), '-o', at('x'), '--model', 'taef1'],
      `${at('l.png')}: "latents" expected shape [N,16,h,w] for model taef1, got [1,4,2,6] (latents of taesd or taesdxl? --model takes one: taesd for Stable Diffusion 1 and 2; taesdxl for Stable Diffusion XL)`,
    ],
    ['no weights', ['steps', IN, '-o', at('x'), '--model', 'taesd3'], /taesd3/],
  ])('%s', (_, args, message) => {
    const { code, stdout, stderr } = taesd(args, { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    if (typeof message === 'string') expect(stderr).toBe(`taesd: ${message}\n`);
    else expect(stderr).toMatch(message);
    expect(existsSync(at('x'))).toBe(false);
  });

  test('IN is one of the files in DIR → refused, and still there', () => {
    mkdirSync(at('same'));
    for (const name of [
      'overview.png',
      '03-encoder-3-block.png',
      '03-encoder-3-block-0-conv.png',
    ]) {
      const path = at(`same/${name}`);
      writeFileSync(path, encodePng(PICTURE));
      const { code, stderr } = taesd(['steps', path, '-o', at('same')], { env });
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `taesd: ${path}: expected another file than IN, got IN itself\n`,
      });
      expect(decodePng(new Uint8Array(readFileSync(path))).width).toBe(41);
    }
    expect(files('same')).toHaveLength(3);
  });

  test('more than 1024×1024 pixels → LIMIT before any work', () => {
    const large = at('large.png');
    writeFileSync(
      large,
      encodePng({ width: 1025, height: 1024, data: new Uint8Array(3 * 1025 * 1024) }),
    );
    const { code, stderr } = taesd(['steps', large, '-o', at('x')], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `taesd: ${large}: expected at most 1,048,576 pixels, because whole maps are kept in memory, got 1025×1024 (--max-size 1024 scales it down)\n`,
    });
    expect(existsSync(at('x'))).toBe(false);
  });

  test('latents for more than 1024×1024 pixels → LIMIT', () => {
    const large = at('large.safetensors');
    const shape = [1, 4, 129, 128];
    const data = new Float32Array(4 * 129 * 128);
    writeFileSync(large, encodeLatentSafetensors({ latents: { shape, data }, model: 'taesd' }));
    const args = ['steps', large, '-o', at('x'), '--max-size', '64'];
    expect(taesd(args, { env }).stderr).toBe(
      `taesd: ${large}: expected at most 1,048,576 pixels, because whole maps are kept in memory, got 1024×1032 (crop them first)\n`,
    );
  });

  testAtFullLength('SIGINT → exit 130, whole files alone', async () => {
    const middle = at('middle.png');
    writeFileSync(middle, encodePng(randomPicture(128, 128, 3)));
    const { child, ended } = startTaesd(['steps', middle, '-o', at('cut')], env);
    while (!existsSync(at('cut/00-encoder-0-conv.png'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stderr: 'taesd: interrupted by SIGINT, the files written so far are complete\n',
    });
    for (const name of files('cut')) expect(picture(`cut/${name}`).width).toBeGreaterThan(100);
  });
});
