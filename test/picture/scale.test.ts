import { describe, expect, test } from 'vitest';
import { fromLinear, toLinear } from '../../src/colour/linear-light.ts';
import { TaesdError } from '../../src/errors.ts';
import { imageRows } from '../../src/image.ts';
import { scaledRows } from '../../src/picture/scale.ts';
import { type RowSource, readAll, tensorRows } from '../../src/rows.ts';
import { Taesd } from '../../src/taesd.ts';
import { expectClose } from '../compare.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Never gives a turn. */
const NO_PAUSE = { due: false, did: () => undefined, turn: async () => undefined };

/** Rows of grey values. */
const grey = (values: readonly (readonly number[])[]): RowSource =>
  tensorRows({
    shape: [1, 3, values.length, values[0].length],
    data: Float32Array.from([0, 1, 2].flatMap(() => values.flat())),
  });

/** The red values of the scaled picture, row by row. */
async function scaled(source: RowSource, maxSize: number): Promise<number[][]> {
  const [result] = await scaledRows([source], maxSize, NO_PAUSE);
  const { width, height } = result;
  const { data } = readAll(result);
  return Array.from({ length: height }, (_, y) => [...data.subarray(y * width, (y + 1) * width)]);
}

describe('scaledRows', () => {
  test('a chequerboard of black and white, halved → 188 of 255, the mean light', async () => {
    const board = Array.from({ length: 4 }, (_, y) => [0, 1, 2, 3].map((x) => (x + y) % 2));
    const value = fromLinear(0.5);
    expect(Math.round(255 * value)).toBe(188);
    expect(await scaled(grey(board), 2)).toEqual([
      [Math.fround(value), Math.fround(value)],
      [Math.fround(value), Math.fround(value)],
    ]);
  });

  test('a ratio of 3 to 2 → each pixel shares the middle one by area', async () => {
    const row = [0.2, 0.6, 0.9];
    const [a, b, c] = row.map(toLinear);
    const [found] = await scaled(grey([row]), 2);
    expect(found).toHaveLength(2);
    expect(found[0]).toBeCloseTo(fromLinear((a + b / 2) / 1.5), 6);
    expect(found[1]).toBeCloseTo(fromLinear((b / 2 + c) / 1.5), 6);
    // The sides are scaled alike: a column as a row.
    const column = await scaled(grey(row.map((value) => [value])), 2);
    expect(column.flat()).toEqual(found);
  });

  test('any size → the mean light of the picture is kept; the extremes are not left', async () => {
    const random = seededRandom(3);
    for (const [width, height, maxSize] of [
      [37, 23, 11],
      [64, 48, 63],
      [5, 100, 7],
      [100, 1, 3],
      [7, 7, 1],
    ]) {
      const values = Array.from({ length: height }, () => Array.from({ length: width }, random));
      const found = await scaled(grey(values), maxSize);
      const light = (rows: number[][]) => {
        const all = rows.flat().map(toLinear);
        return all.reduce((sum, value) => sum + value) / all.length;
      };
      expect(light(found)).toBeCloseTo(light(values), 6);
      expect(Math.max(...found.flat())).toBeLessThanOrEqual(Math.max(...values.flat()) + 1e-6);
      expect(Math.min(...found.flat())).toBeGreaterThanOrEqual(Math.min(...values.flat()) - 1e-6);
    }
  });

  test('one colour → that colour in each channel', async () => {
    const data = Uint8Array.from({ length: 3 * 35 * 21 }, (_, i) => [250, 128, 3][i % 3]);
    const [result] = await scaledRows([imageRows({ width: 35, height: 21, data })], 13, NO_PAUSE);
    const { shape, data: found } = readAll(result);
    expect(shape).toEqual([1, 3, 8, 13]);
    const planes = [250, 128, 3].flatMap((byte) => Array(8 * 13).fill(byte / 255));
    expectClose({ shape, data: found }, { shape, data: Float32Array.from(planes) }, 1e-6);
  });

  test('a picture that fits → itself', async () => {
    const sources = [grey([[0.1, 0.2, 0.3]])];
    expect(await scaledRows(sources, 3, NO_PAUSE)).toBe(sources);
  });

  test('the event loop → gets its turns when it is owed them', async () => {
    let turns = 0;
    const pace = { ...NO_PAUSE, due: true, turn: async () => void turns++ };
    await scaledRows([grey(Array.from({ length: 9 }, () => [0, 1, 0.5]))], 2, pace);
    expect(turns).toBe(9);
  });
});

describe('encode, maxSize', () => {
  test('a picture, a batch of tensors → the latents of the scaled pictures', async () => {
    const { nano } = await import('../../dist/nano.js' as string);
    const taesd = await Taesd.load({ ...nano(), only: 'encoder', workers: 0 });
    const tensor = randomTensor(seededRandom(9), [2, 3, 40, 64]);
    for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = Math.abs(tensor.data[i]);
    const latents = await taesd.encode(tensor, { maxSize: 32 });
    expect(latents.shape).toEqual([2, 4, 3, 4]);
    const half = tensor.data.length / 2;
    const rows = tensorRows({ shape: [1, 3, 40, 64], data: tensor.data.slice(half) });
    const [small] = await scaledRows([rows], 32, NO_PAUSE);
    const wanted = await taesd.encode(readAll(small));
    expect(latents.data.slice(latents.data.length / 2)).toEqual(wanted.data);

    const image = { width: 20, height: 10, data: new Uint8Array(800).fill(90) };
    expect(await taesd.encode(image, { maxSize: 20 })).toEqual(await taesd.encode(image));
    expect((await taesd.encode(image, { maxSize: 8 })).shape).toEqual([1, 4, 1, 1]);

    for (const maxSize of [0, 1.5, '512', null]) {
      const call = taesd.encode(image, { maxSize: maxSize as never });
      await expect(call).rejects.toThrow('encode: "maxSize" expected a whole number from 1');
    }
    const signal = AbortSignal.abort();
    const aborted = await taesd.encode(image, { maxSize: 8, signal }).catch((error) => error);
    expect(aborted).toBeInstanceOf(TaesdError);
    expect(aborted.code).toBe('ABORTED');
    expect((await taesd.encode(image)).shape).toEqual([1, 4, 2, 3]);
    taesd.dispose();
  });
});
