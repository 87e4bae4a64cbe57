import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPreviewer } from '../src/preview/index.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose } from './compare.ts';
import { psnr } from './conformance/close.ts';
import { testAtFullLength } from './full-length.ts';
import { readGolden, realWeights } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { testShared } from './shared.ts';
import { randomWeights } from './small-model.ts';
import { croppedTo, meansOf } from './squares.ts';

/*
 * The option `resolution` of the calls that decode. nano's smaller pictures are exact: means of the
 * whole picture.
 */

const LATENTS = randomTensor(seededRandom(5), [2, 4, 3, 5], 2);
const FIRST: Tensor = { shape: [1, 4, 3, 5], data: LATENTS.data.subarray(0, 60) };
/** The size that the picture, of 40×24 pixels, is cropped to. */
const SIZE = { width: 37, height: 18 };
const PARTS = [
  [1 / 2, 19, 9],
  [1 / 4, 10, 5],
  [1 / 8, 5, 3],
] as const;

const WEIGHTS = { decoder: randomWeights('taesd', 'decoder') };
let nano: Taesd;
let taesd: Taesd;
beforeAll(async () => {
  nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  taesd = await Taesd.load({ weights: WEIGHTS, workers: 0 });
});
afterAll(() => {
  for (const one of [nano, taesd]) one.dispose();
});

describe('decode with resolution', () => {
  test.each(PARTS)(
    '%d of 37×18, nano → %i×%i, the means of the whole picture',
    async (resolution, width, height) => {
      const whole = await nano.decode(LATENTS, { output: 'tensor' });
      const got = await nano.decode(LATENTS, { ...SIZE, resolution, output: 'tensor' });
      expectClose(got, croppedTo(meansOf(whole, 1 / resolution), height, width), 1e-5);
      const pictures = await nano.decode(LATENTS, { ...SIZE, resolution, output: 'images' });
      expect(pictures.map((one) => [one.width, one.height])).toEqual(
        Array(2).fill([width, height]),
      );
      const bytes = Array.from({ length: width * height }, (_, i) => Math.round(255 * got.data[i]));
      const reds = bytes.map((_, i) => pictures[0].data[4 * i]);
      expect(reds).toEqual(bytes.map((byte) => Math.min(Math.max(byte, 0), 255)));
    },
  );

  test('1 → as without; the first call with another takes memory, the next does not', async () => {
    const fresh = await Taesd.load({ weights: WEIGHTS, workers: 0 });
    const whole = await fresh.decode(FIRST);
    const { memoryBytes } = fresh.info;
    expect(await fresh.decode(FIRST, { resolution: 1 })).toEqual(whole);
    expect(fresh.info.memoryBytes).toBe(memoryBytes);
    const small = await fresh.decode(FIRST, { resolution: 1 / 4 });
    expect(fresh.info.memoryBytes).toBeGreaterThan(memoryBytes);
    expect(await fresh.decode(FIRST)).toEqual(whole);
    const { memoryBytes: more } = fresh.info;
    expect(await fresh.decode(FIRST, { resolution: 1 / 4 })).toEqual(small);
    expect(fresh.info.memoryBytes).toBe(more);
    fresh.dispose();
    await expect.poll(() => fresh.info.memoryBytes).toBe(0);
  });

  test('1/4 on workers that run → the bytes of one thread, and they go on', async () => {
    const size = { width: 39, height: 21, resolution: 1 / 4, output: 'tensor' } as const;
    const wanted = await taesd.decode(FIRST, size);
    const workers = await Taesd.load({ weights: WEIGHTS, workers: 2 });
    const whole = await workers.decode(FIRST);
    expect(await workers.decode(FIRST, size)).toEqual(wanted);
    expect(workers.info.workers).toBe(2);
    expect(await workers.decode(FIRST)).toEqual(whole);
    workers.dispose();
  });

  test('rows → those of decode, from any row; progress in rows of the result', async () => {
    const options = { width: 37, height: 180, resolution: 1 / 4 };
    const latents = randomTensor(seededRandom(6), [1, 4, 23, 5], 2);
    const { width, height, data } = await taesd.decode(latents, options);
    expect([width, height]).toEqual([10, 45]);
    for (const firstRow of [0, 40]) {
      const seen: number[] = [];
      const onProgress = ({ done, total }: { done: number; total: number }) => {
        seen.push(done);
        expect(total).toBe(45);
      };
      let next = firstRow;
      for await (const rows of taesd.decodeRows(latents, { ...options, firstRow, onProgress })) {
        expect([rows.width, rows.height, rows.y]).toEqual([10, 45, next]);
        next += rows.rows;
        expect(rows.data).toEqual(data.slice(40 * rows.y, 40 * next));
      }
      expect(next).toBe(45);
      expect(seen[seen.length - 1]).toBe(45);
    }
    await expect(
      taesd.decodeRows(latents, { ...options, firstRow: 45 }).next(),
    ).rejects.toMatchObject({ code: 'ARG' });
  });

  testAtFullLength(
    'no memory for another network, on a worker and on this thread → LIMIT, and the next calls work',
    async () => {
      const fitting = await Taesd.load({ weights: WEIGHTS, workers: 0 });
      const whole = await fitting.decode(FIRST);
      const maxMemory = fitting.info.memoryBytes + 2 ** 20;
      fitting.dispose();
      const tight = await Taesd.load({ weights: WEIGHTS, workers: 1, maxMemory });
      for (let time = 0; time < 2; time++) {
        await expect(tight.decode(FIRST, { resolution: 1 / 4 })).rejects.toMatchObject({
          code: 'LIMIT',
        });
        expect(await tight.decode(FIRST)).toEqual(whole);
        expect(tight.info.workers).toBe(1);
      }
      tight.dispose();
    },
  );

  test('aborted → ABORTED, and the next call works', async () => {
    const signal = AbortSignal.abort();
    const call = taesd.decode(FIRST, { resolution: 1 / 8, signal });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await taesd.decode(FIRST, { resolution: 1 / 8 })).width).toBe(5);
  });

  test('a previewer → the pictures of decode', async () => {
    const shown: unknown[] = [];
    const options = { ...SIZE, resolution: 1 / 2 };
    const previewer = createPreviewer(nano, { ...options, onFrame: (one) => void shown.push(one) });
    previewer.push(FIRST);
    await previewer.idle();
    expect(shown).toEqual([await nano.decode(FIRST, options)]);
  });

  test('another number, a text, null → ARG, by every call', async () => {
    for (const [resolution, got] of [
      [0.3, '0.3'],
      [0, '0'],
      [2, '2'],
      [NaN, 'NaN'],
      ['1/2', '"1/2"'],
      [null, 'null'],
    ] as [number, string][]) {
      const text = `"resolution" expected 1, 1/2, 1/4 or 1/8, got ${got}`;
      const error = (call: string) => ({ code: 'ARG', message: `${call}: ${text}` });
      await expect(nano.decode(FIRST, { resolution })).rejects.toMatchObject(error('decode'));
      const rows = nano.decodeRows(FIRST, { resolution });
      await expect(rows.next()).rejects.toMatchObject(error('decodeRows'));
      const canvas = { width: 1, height: 1, getContext: () => null };
      const drawn = nano.decodeToCanvas(FIRST, canvas, { resolution });
      await expect(drawn).rejects.toMatchObject(error('decodeToCanvas'));
      const make = () => createPreviewer(nano, { onFrame: () => {}, resolution });
      expect(make).toThrow(`preview: ${text}`);
    }
  });

  testShared(
    'the real weights, chelsea 451×300 at 1/4 → at least 36 dB from its means',
    async () => {
      const golden = readGolden('taesd-chelsea-451x300');
      const { decoder } = realWeights('taesd');
      const real = await Taesd.load({ weights: { decoder }, only: 'decoder', workers: 0 });
      const clamped = ({ shape, data }: Tensor) => ({
        shape,
        data: data.map((value) => Math.min(Math.max(value, 0), 1)),
      });
      const wanted = meansOf(clamped(golden('decoded')), 4);
      const got = await real.decode(golden('latents'), { resolution: 1 / 4, output: 'tensor' });
      const [, , height, width] = wanted.shape;
      expect(psnr(croppedTo(clamped(got), height, width).data, wanted.data)).toBeGreaterThan(36);
      real.dispose();
    },
  );
});
