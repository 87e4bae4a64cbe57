import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ReadLatentsOptions, readLatents } from '../../src/formats/index.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { joined, utf8 } from '../bytes.ts';
import { entry, rawFile } from '../safetensors/raw-file.ts';
import {
  archive,
  dict,
  fileOfTensors,
  pickle,
  tensor,
  text,
  torchFile,
} from '../torch/build-torch.ts';
import { npyByHand, npzByHand, safetensorsByHand } from './files-by-hand.ts';
import { integers, seededNumbers } from './seeded-numbers.ts';
import { zipByHand } from './zip-by-hand.ts';

/*
 * Files that are sound by their formats and cost time or memory, or that say two things.
 */

const numbers = seededNumbers('F32', [4, 2, 3], 3);

async function refused(
  bytes: Uint8Array,
  code: string,
  message: RegExp,
  options: ReadLatentsOptions = {},
): Promise<void> {
  const error = await readLatents(bytes, options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ name: 'TaesdError', code });
  expect(error.message).toMatch(message);
  expect(error.message.length).toBeLessThan(700);
}

/** Seconds of processor time. */
async function seconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage().user;
  await work();
  return (process.cpuUsage().user - before) / 1e6;
}

describe('memory and time', () => {
  test('an archive of zeros, 1000 times as large → LIMIT', async () => {
    const zeros = { dtype: 'F32', shape: [4, 1024, 1024], bytes: new Uint8Array(2 ** 24) } as const;
    const bytes = npzByHand(
      [
        ['x', zeros],
        ['y', zeros],
      ],
      { isDeflated: true },
    );
    await refused(bytes, 'LIMIT', /bytes of content, got 33\d{6} \(a decompression bomb\?\)$/);
  });

  test('gzip of zeros, 1000 times as large → LIMIT; latents of a flat picture are read', async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(2 ** 24)));
    await refused(bomb, 'LIMIT', /at most 4194304 bytes of content, got 16777216/);
    const zeros = { dtype: 'F32', shape: [4, 64, 64], bytes: new Uint8Array(2 ** 16) } as const;
    const small = new Uint8Array(gzipSync(npyByHand(zeros)));
    expect((await readLatents(small)).latents.shape).toEqual([1, 4, 64, 64]);
  });

  test('a frame of a stream → FORMAT naming decodeFrame', async () => {
    const latents = { shape: [1, 4, 2, 3], data: new Float32Array(24) };
    const frame = encodeFrame(latents, { model: 'taesd' }) as Uint8Array;
    const words =
      /expected a file of latents, got a frame of a stream \(decodeFrame of taesd-wasm\/preview reads it\)/;
    await refused(frame, 'FORMAT', words);
    await refused(frame, 'FORMAT', words, { name: 'latents.f32' });
  });

  test('gzip of 1 MB that begin no file of latents → FORMAT before all of it is inflated', async () => {
    const gzipped = (content: Uint8Array) => new Uint8Array(gzipSync(content));
    const bytes = gzipped(joined('hello, world, hello', new Uint8Array(2 ** 20)));
    // The checksum, which only the whole content shows to be wrong.
    bytes[bytes.length - 8] ^= 1;
    await refused(bytes, 'FORMAT', /a file that begins with "hello, world, he"/);
    const page = gzipped(joined('<!doctype html>', new Uint8Array(2 ** 20)));
    await refused(page, 'FORMAT', /a web page was saved in place of the file/);
    const zeros = gzipped(new Uint8Array(40_000));
    await refused(zeros, 'ARG', /of 10000 f32 numbers/, { name: 'a.f32' });
  });

  test('gzip of an archive that only its end shows to be of torch → its latents', async () => {
    const values = seededNumbers('F32', [4, 32, 32], 3);
    const tensors = dict([
      'x',
      tensor({ count: 4096, shape: [4, 32, 32], strides: [1024, 32, 1] }),
    ]);
    const bytes = archive({ 'data/0': values.bytes, 'data.pkl': pickle(tensors), version: '3\n' });
    expect((await readLatents(new Uint8Array(gzipSync(bytes)))).latents.data).toEqual(
      values.values,
    );
  });

  test('more than 16,384 tensors or arrays → LIMIT; as many arrays of text → one error, quickly', async () => {
    const header = Array.from({ length: 16_385 }, (_, i) => entry(`${i}`, 'F32', [0], [0, 0]));
    await refused(
      rawFile(`{${header.join()}}`),
      'LIMIT',
      /"tensors" expected at most 16384, got more$/,
    );
    const one = npyByHand({ dtype: 'F32', shape: [1, 4, 1, 1], bytes: new Uint8Array(16) });
    const label = one.slice();
    label.set(utf8("'|S4'"), Buffer.from(label).indexOf("'<f4'"));
    const arrays = (count: number, last = label) =>
      zipByHand(
        Array.from({ length: count }, (_, i) => ({
          name: `${i}.npy`,
          bytes: i === count - 1 ? last : label,
        })),
        'plain',
      );
    await refused(arrays(16_385), 'LIMIT', /"archive" expected at most 16384 entries, got 16385/);
    const [none, some] = [arrays(16_384), arrays(16_384, one)];
    const took = await seconds(async () => {
      const rest = /^readLatents: 0\.npy: .*got \|S4; 16383 more arrays hold no numbers$/;
      await refused(none, 'UNSUPPORTED', rest);
      expect((await readLatents(some)).source).toBe('array "16383", F32');
    });
    expect(took).toBeLessThan(2);
  });

  test('gzip without its end → TRUNCATED, wherever it was cut', async () => {
    const whole = new Uint8Array(gzipSync(npyByHand(numbers)));
    expect(gunzipSync(whole).length).toBeGreaterThan(96);
    for (let length = 20; length < whole.length; length++) {
      const error = await readLatents(whole.slice(0, length)).catch((reason) => reason);
      expect(['TRUNCATED', 'FORMAT', 'LIMIT'], `${length}: ${error.message}`).toContain(error.code);
    }
    const cut = whole.slice();
    cut.set([0xff, 0xff, 0xff, 0xff], cut.length - 4);
    await refused(cut, 'TRUNCATED', /a checksum and a size at the end, .*is the file cut off\?/);
  });

  test('Fortran order on 64 axes, 4 million elements → refused within a second', async () => {
    const shape = [2 ** 14, 256, ...Array<number>(62).fill(1)];
    const plain = npyByHand({ dtype: 'I64', shape, bytes: new Uint8Array(0) }, { isFortran: true });
    const header = Buffer.from(plain).toString('latin1').replace("'<i8'", "'|u1'");
    const bytes = joined(header, new Uint8Array(2 ** 22));
    expect(
      await seconds(() => refused(bytes, 'UNSUPPORTED', /an array of floats, got U8/)),
    ).toBeLessThan(1);
  });

  test('a long key that many tensors share → LIMIT before names are made', async () => {
    const one = tensor({ count: 1, shape: [1], strides: [1] });
    // The key and the inner dict are fetched from the memo for each entry of a list.
    const key = joined(text('k'.repeat(2 ** 16)), 'q\x01');
    const inner = joined(dict(['a', one]), 'q\x02');
    const entry = '}h\x01h\x02s';
    const bytes = torchFile(pickle(']', key, '0', inner, '0', '(', entry.repeat(3000), 'e'), [
      new Uint8Array(4),
    ]);
    expect(bytes.length).toBeLessThan(2 ** 17);
    await refused(bytes, 'LIMIT', /at most 16777216 characters of names, got 19\d{7}/);
  });

  test('a list of 2²⁶ sizes as shape → ARG at once', async () => {
    const shape = new Array(2 ** 26);
    const took = await seconds(() =>
      refused(new Uint8Array(96), 'ARG', /"shape" expected/, { shape, dtype: 'f32' }),
    );
    expect(took).toBeLessThan(1);
  });
});

describe('names', () => {
  test('a dtype that is an object → ARG', async () => {
    const dtype = Object.create(null);
    const bytes = new Uint8Array(96);
    await refused(bytes, 'ARG', /"dtype" expected/, { shape: [4, 2, 3], dtype });
    await refused(bytes, 'ARG', /"dtype" expected/, { shape: [4, 2, 3], dtype: ['f32'] as never });
  });

  test('two tensors of one name → SHAPE', async () => {
    const w = { dtype: 'F32', shape: [4, 2, 3], bytes: numbers.bytes };
    const bytes = fileOfTensors({ 'a.b': w, a: w });
    expect((await readLatents(bytes, { tensor: 'a.b' })).latents.data).toEqual(numbers.values);
    const place = (key: string) => tensor({ key, count: 24, shape: [4, 2, 3], strides: [6, 3, 1] });
    const twice = torchFile(pickle(dict(['a.b', place('0')], ['a', dict(['b', place('1')])])), [
      numbers.bytes,
      numbers.bytes,
    ]);
    const rule = /"tensor" expected the name of one tensor, got that of 2/;
    await refused(twice, 'SHAPE', rule, { tensor: 'a.b' });
  });

  test.each<[string, Uint8Array, ReadLatentsOptions]>([
    ['.npy', npyByHand(numbers), {}],
    ['raw numbers', numbers.bytes, { shape: [4, 2, 3], dtype: 'f32' }],
    [
      'a bare tensor',
      torchFile(pickle(tensor({ count: 24, shape: [4, 2, 3], strides: [6, 3, 1] })), [
        numbers.bytes,
      ]),
      {},
    ],
  ])('%s, a name → SHAPE, because it has one tensor without a name', async (_, bytes, options) => {
    expect((await readLatents(bytes, options)).latents.data).toEqual(numbers.values);
    const rule = /expected no name, because the file holds one tensor without a name, got "x"/;
    await refused(bytes, 'SHAPE', rule, { ...options, tensor: 'x' });
  });

  test('"latents" of another program → its space is assumed; a batch, another tensor are read', async () => {
    const batch = seededNumbers('F32', [2, 4, 2, 3], 8);
    const bytes = safetensorsByHand([
      ['latents', batch],
      ['noise', numbers],
    ]);
    const found = await readLatents(bytes, { model: 'taesd' });
    expect(found.assumed).toEqual(['the file does not say its space; diffusion space is assumed']);
    expect(found.latents.data).toEqual(batch.values);
    const one = await readLatents(bytes, { pick: 1 });
    expect(one.latents.data).toEqual(batch.values.slice(24));
    const other = await readLatents(bytes, { tensor: 'noise' });
    expect(other.latents.data).toEqual(numbers.values);
    await refused(bytes, 'SHAPE', /one of latents, noise, got "nope"/, { tensor: 'nope' });
  });
});

describe('sentences that help', () => {
  test('channels last → says so', async () => {
    const last = seededNumbers('F32', [1, 2, 3, 4], 5);
    await refused(npyByHand(last), 'SHAPE', /\(channels last\? transpose it\)$/);
  });

  test('integers → how to save them', async () => {
    const whole = integers('I64', [1, 2, 3, 4]);
    await refused(
      npyByHand(whole),
      'UNSUPPORTED',
      /floats, got I64 \(save array\.astype\("float32"\)\)/,
    );
  });

  test('a model with other channels, by option and by name → SHAPE', async () => {
    await refused(
      npyByHand(numbers),
      'SHAPE',
      /\[N,16,h,w\] for model taesd3, .*latents of taesd or/,
      {
        model: 'taesd3',
      },
    );
    const cache = npzByHand([
      ['latents', numbers],
      ['original_size', integers('I64', [16, 24])],
    ]);
    const rule = /latents of taef1, which the suffix _flux of its name says.*renamed\?/;
    await refused(cache, 'SHAPE', rule, { name: 'pic_flux.npz' });
  });

  test('raw numbers without a shape → how many there are, and the option', async () => {
    const { bytes } = numbers;
    const rule =
      /"shape" expected \[N,C,h,w\] or \[C,h,w\] of 24 f32 numbers, got none \(such as shape:/;
    await refused(bytes, 'ARG', rule, { name: 'x.f32' });
    await refused(bytes, 'ARG', /of 48 f16 numbers/, { dtype: 'f16' });
  });

  test('a web page, a Git LFS pointer → says so', async () => {
    const page = Buffer.from('<!DOCTYPE html><title>404</title>');
    await refused(page, 'FORMAT', /expected a file of latents, got HTML/, { name: 'x.f32' });
    await refused(Buffer.from('version https://git-lfs.github.com/spec/v1'), 'FORMAT', /Git LFS/);
  });
});
