import { expect, test } from 'vitest';
import { JpegThread } from '../../../src/cli/serve/jpeg-thread.ts';
import { decodePicture } from '../../../src/picture/index.ts';

/* The thread that encodes JPEG pictures. */

/** A picture of one colour. */
function plain(width: number, height: number, [red, green, blue]: readonly number[]) {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([red, green, blue, 255], i);
  return { width, height, data };
}

test('three pictures at once → each its file, in its colour', async () => {
  const thread = new JpegThread();
  const colours = [
    [250, 20, 30],
    [20, 200, 30],
    [10, 20, 180],
  ];
  const files = await Promise.all(colours.map((rgb, n) => thread.encode(plain(9, 5 + n, rgb))));
  for (const [n, bytes] of files.entries()) {
    const { kind, width, height, data } = await decodePicture(bytes);
    expect([kind, width, height]).toEqual(['JPEG', 9, 5 + n]);
    for (let c = 0; c < 3; c++) expect(Math.abs(data[c] - colours[n][c])).toBeLessThanOrEqual(3);
  }
});

test('a side that JPEG does not have → LIMIT; the next picture → its file', async () => {
  const thread = new JpegThread();
  await expect(thread.encode(plain(1, 65_501, [0, 0, 0]))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'LIMIT',
    sentence: '"JPEG" expected sides up to 65500, got 1×65501',
  });
  expect((await thread.encode(plain(1, 65_500, [0, 0, 0]))).length).toBeGreaterThan(100);
});

test('a picture without pixels, at which the encoder ends → OOM; the next picture → its file', async () => {
  const thread = new JpegThread();
  await expect(thread.encode(plain(0, 5, [0, 0, 0]))).rejects.toMatchObject({
    name: 'TaesdError',
    code: 'OOM',
  });
  const { length } = await thread.encode(plain(8, 8, [1, 2, 3]));
  expect(length).toBeGreaterThan(100);
});
