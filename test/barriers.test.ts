import { afterEach, describe, expect, test } from 'vitest';
import type { LoadOptions, Picture } from '../src/options/types.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { sampled } from './full-length.ts';
import { randomTensor, seededRandom } from './random.ts';
import { randomWeights } from './small-model.ts';

/*
 * A model whose networks have barriers, taef2, through the public calls: workers, progress, rows
 * and aborted calls. Workers are those of dist/.
 */

const WEIGHTS = {
  encoder: randomWeights('taef2', 'encoder'),
  decoder: randomWeights('taef2', 'decoder'),
};

const loaded: Taesd[] = [];
async function load(options: LoadOptions = {}): Promise<Taesd> {
  const taesd = await Taesd.load({ model: 'taef2', weights: WEIGHTS, ...options });
  loaded.push(taesd);
  return taesd;
}
afterEach(() => {
  for (const taesd of loaded.splice(0)) taesd.dispose();
});

const latentsOf = (height: number, width: number): Tensor =>
  randomTensor(seededRandom(height + width), [1, 32, height, width], 2);

/** A picture with a light and a dark half: parts of it have other means than the whole. */
function pictureOf(width: number, height: number): Picture {
  const random = seededRandom(width + height);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i++) {
    data[i] = i % 4 === 3 ? 255 : (i < data.length / 2 ? 20 : 150) + 100 * random();
  }
  return { width, height, data };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
const same = (a: ArrayBufferView, b: ArrayBufferView) => bytesOf(a).equals(bytesOf(b));

/** Heights whose rows two workers divide in both halves; the slow suite's four do too. */
const [[WIDTH, HEIGHT]] = sampled([[32, 256]], [[256, 320]]);

describe.each(sampled(['f32'] as const, ['f32', 'fast'] as const))('%s', (precision) => {
  test('encode, decode [1 to 4 workers] → the bytes of one thread', async () => {
    const alone = await load({ workers: 0, precision });
    const picture = pictureOf(WIDTH, HEIGHT);
    const wanted = await alone.encode(picture);
    const afterEncode = alone.info.memoryBytes;
    const decoded = await alone.decode(wanted);
    for (const workers of sampled([2], [1, 2, 3, 4])) {
      const taesd = await load({ workers, precision });
      const latents = await taesd.encode(picture);
      expect(taesd.info.workers).toBe(workers);
      expect(same(latents.data, wanted.data), `latents, ${workers} workers`).toBe(true);
      const { data } = await taesd.decode(latents);
      expect(same(data, decoded.data), `picture, ${workers} workers`).toBe(true);
      // Each worker that had a span has kernels of its own.
      if (workers > 1) expect(taesd.info.memoryBytes).toBeGreaterThan(1.5 * afterEncode);
    }
  });
});

for (const workers of [0, 2]) {
  test(`encode, decode [${workers} workers]: progress → grows, ends at the total`, async () => {
    const taesd = await load({ workers });
    const seen: { done: number; total: number }[] = [];
    const onProgress = (progress: { done: number; total: number }) => seen.push({ ...progress });
    for (const [run, total] of [
      [() => taesd.encode(pictureOf(32, 384), { onProgress }), 48],
      [() => taesd.decode(latentsOf(48, 4), { onProgress }), 384],
    ] as const) {
      seen.length = 0;
      await run();
      const done = seen.map((progress) => progress.done);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(new Set(seen.map((progress) => progress.total))).toEqual(new Set([total]));
      expect(done.at(-1)).toBe(total);
      expect(done[0]).toBeGreaterThanOrEqual(0);
      expect(done.length).toBeGreaterThan(2);
    }
  });

  test(`decodeRows [${workers} workers] → the rows of decode, from the top`, async () => {
    const taesd = await load({ workers, only: 'decoder' });
    const latents = latentsOf(32, 4);
    const { data } = await taesd.decode(latents);
    const rows = new Uint8ClampedArray(data.length);
    let next = 0;
    for await (const { y, rows: count, data: part } of taesd.decodeRows(latents)) {
      expect(y).toBe(next);
      next += count;
      rows.set(part, 4 * 32 * y);
    }
    expect(next).toBe(256);
    expect(same(rows, data)).toBe(true);
  });

  test(`decodeRows [${workers} workers]: firstRow → the rows of decode from there on; progress rises to the end`, async () => {
    const taesd = await load({ workers, only: 'decoder' });
    const latents = latentsOf(32, 4);
    const { data } = await taesd.decode(latents);
    for (const firstRow of sampled([77], [1, 77, 128, 255])) {
      const seen: number[] = [];
      const onProgress = ({ done }: { done: number }) => seen.push(done);
      let next = firstRow;
      for await (const { y, rows, data: part } of taesd.decodeRows(latents, {
        firstRow,
        onProgress,
      })) {
        expect(y).toBe(next);
        expect(same(part, data.subarray(4 * 32 * y, 4 * 32 * (y + rows)))).toBe(true);
        next += rows;
      }
      expect(next).toBe(256);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(256);
    }
  });

  test(`decode [${workers} workers]: aborted before, in and after the statistics → ABORTED, then the next call works`, async () => {
    const taesd = await load({ workers, only: 'decoder' });
    const small = latentsOf(8, 6);
    const { data } = await taesd.decode(small);
    for (const ms of sampled([0, 60], [0, 20, 40, 80, 120, 200, 400])) {
      const controller = new AbortController();
      const running = taesd.decode(latentsOf(256, 256), { signal: controller.signal });
      setTimeout(() => controller.abort(), ms);
      await expect(running).rejects.toThrow(
        expect.objectContaining({
          code: 'ABORTED',
          message: 'decode: aborted (This operation was aborted)',
        }),
      );
      expect(same((await taesd.decode(small)).data, data), `after ${ms} ms`).toBe(true);
    }
  });
}

test('info: bytesPerLatent → 512 for each half and both', async () => {
  expect((await load()).info.bytesPerLatent).toBe(512);
  expect((await load({ only: 'decoder' })).info.bytesPerLatent).toBe(512);
  expect((await load({ only: 'encoder' })).info.bytesPerLatent).toBe(512);
  const other = await Taesd.load({ weights: { decoder: randomWeights('taesd', 'decoder') } });
  loaded.push(other);
  expect(other.info.bytesPerLatent).toBe(0);
});
