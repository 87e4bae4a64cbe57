import type { Picture } from 'taesd-wasm';
import { expect, test } from 'vitest';
import { changeMap, largestDifference } from '../../explorer/src/measure/differences.ts';
import { difference, isTranslucent, overWhite, psnr } from '../../explorer/src/measure/psnr.ts';
import { reach, ringsAround } from '../../explorer/src/measure/rings.ts';
import { joinTiles, maxOverlap, splitTiles } from '../../explorer/src/measure/seam.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Returns an opaque picture of one colour. */
function plain(width: number, height: number, colour = [0, 0, 0]): Picture {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([...colour, 255], i);
  return { width, height, data };
}

/** Returns a picture with one more in a colour of a pixel. */
function with1(picture: Picture, at: { x: number; y: number; c: number; by: number }): Picture {
  const data = picture.data.slice();
  data[4 * (at.y * picture.width + at.x) + at.c] += at.by;
  return { ...picture, data };
}

test('psnr: equal pictures → Infinity', () => {
  expect(psnr(plain(2, 2), plain(2, 2))).toBe(Infinity);
});

test('psnr: black and white → 0 dB', () => {
  expect(psnr(plain(3, 2), plain(3, 2, [255, 255, 255]))).toBeCloseTo(0, 12);
});

test('psnr: every byte off by 1 → 48.13 dB', () => {
  expect(psnr(plain(4, 4), plain(4, 4, [1, 1, 1]))).toBeCloseTo(20 * Math.log10(255), 12);
});

test('psnr: what cannot be seen → counts as white', () => {
  const clear = { width: 1, height: 1, data: Uint8ClampedArray.from([10, 20, 30, 0]) };
  expect(isTranslucent(clear)).toBe(true);
  expect([...overWhite(clear).data]).toEqual([255, 255, 255, 255]);
  expect(psnr(clear, plain(1, 1, [255, 255, 255]))).toBe(Infinity);
  const opaque = plain(1, 1);
  expect(overWhite(opaque)).toBe(opaque);
});

test('psnr, difference: pictures of two sizes → RangeError', () => {
  const error = new RangeError('"picture" expected the other\'s size, 2×1, got 1×2');
  expect(() => psnr(plain(2, 1), plain(1, 2))).toThrow(error);
  expect(() => difference(plain(2, 1), plain(1, 2), 4)).toThrow(error);
});

test('difference: 3 and 100 off, 4 times as strong → 12 and 255, opaque', () => {
  const other = plain(1, 1, [3, 0, 100]);
  expect([...difference(plain(1, 1), other, 4).data]).toEqual([12, 0, 255, 255]);
});

test('change map: the largest of three colours, in both directions', () => {
  const [one, other] = [
    plain(2, 1, [9, 9, 9]),
    with1(plain(2, 1, [9, 9, 9]), { x: 1, y: 0, c: 2, by: -7 }),
  ];
  expect([...changeMap(one, other).data]).toEqual([0, 7]);
  expect(largestDifference(one, other)).toEqual({ difference: 7, x: 1, y: 0 });
  expect(largestDifference(one, one)).toEqual({ difference: 0, x: 0, y: 0 });
});

test('rings: changes 0, 1 and 3 squares away → in rings 0, 1 and 3', () => {
  const black = plain(32, 20);
  const centre = { x: 1, y: 1, size: 8 };
  const places = [
    { x: 8, y: 15, c: 0, by: 44 },
    { x: 16, y: 15, c: 1, by: 35 },
    { x: 7, y: 8, c: 1, by: 30 },
    { x: 31, y: 0, c: 2, by: 4 },
  ];
  const changed = places.reduce(with1, black);
  expect(ringsAround(black, changed, centre)).toEqual([44, 35, 4]);
  expect(ringsAround(black, changed, { ...centre, x: 0 })).toEqual([30, 44, 35, 4]);
});

test('rings: a picture of one square → one ring', () => {
  expect(ringsAround(plain(5, 3), plain(5, 3, [1, 0, 0]), { x: 0, y: 0, size: 8 })).toEqual([1]);
});

test('reach: the last ring that is at least so large, in pixels from the square', () => {
  const rings = [44, 35, 15, 4, 4, 2, 1, 1];
  expect(reach(rings, 45, 8)).toBeUndefined();
  expect(reach(rings, 44, 8)).toBe(0);
  expect(reach(rings, 5, 8)).toBe(16);
  expect(reach(rings, 4, 8)).toBe(32);
  expect(reach(rings, 1, 8)).toBe(56);
  expect(reach([], 1, 8)).toBeUndefined();
});

/** Returns the picture that a decoder would make that repeats each number: 2×2 pixels a place. */
function enlarged(
  { shape, data }: { shape: readonly number[]; data: Float32Array },
  width: number,
) {
  const [, , rows, columns] = shape;
  const picture = plain(width, 2 * rows);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      picture.data[4 * (y * width + x)] = data[Math.floor(y / 2) * columns + Math.floor(x / 2)];
    }
  }
  return picture;
}

test('tiles: each overlap, even and odd widths → joined as the whole', () => {
  for (const columns of [2, 3, 8]) {
    const latents = {
      shape: [1, 2, 3, columns],
      data: Float32Array.from({ length: 6 * columns }, (_, i) => 5 * i),
    };
    for (const width of [2 * columns, 2 * columns - 1]) {
      const whole = enlarged(latents, width);
      for (let overlap = 0; overlap <= maxOverlap(latents) + 1; overlap++) {
        const tiles = splitTiles(latents, { overlap, downscale: 2, width, height: 6 });
        const { left, right } = tiles;
        const pictures = [left, right].map((tile) => enlarged(tile.latents, tile.width));
        const joined = joinTiles(tiles, pictures[0], pictures[1]);
        expect(joined).toEqual(whole);
      }
    }
  }
});

test('tiles: overlap 1 of 4 columns → columns 0 … 2 and 1 … 3, of every channel', () => {
  const latents = randomTensor(seededRandom(3), [1, 2, 1, 4]);
  const { left, right, seam } = splitTiles(latents, {
    ...{ overlap: 1, downscale: 8, width: 32, height: 8 },
  });
  const d = latents.data;
  expect(left.latents).toEqual({
    shape: [1, 2, 1, 3],
    data: Float32Array.of(d[0], d[1], d[2], d[4], d[5], d[6]),
  });
  expect(right.latents).toEqual({
    shape: [1, 2, 1, 3],
    data: Float32Array.of(d[1], d[2], d[3], d[5], d[6], d[7]),
  });
  expect([left.x, left.width, right.x, right.width, seam]).toEqual([0, 24, 8, 24, 16]);
});

test('tiles: one column → RangeError', () => {
  const one = { shape: [1, 1, 1, 1], data: new Float32Array(1) };
  expect(() => splitTiles(one, { overlap: 0, downscale: 8, width: 8, height: 8 })).toThrow(
    new RangeError('"latents" expected two columns or more, got 1'),
  );
});
