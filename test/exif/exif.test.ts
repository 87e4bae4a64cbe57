import { describe, expect, test } from 'vitest';
import { type Orientation, orientationOf, oriented } from '../../src/exif/index.ts';
import { seededRandom } from '../random.ts';
import { buildExif } from './build-exif.ts';

describe('orientationOf', () => {
  for (const isLittle of [true, false]) {
    const order = isLittle ? 'II' : 'MM';
    test(`${order}, 1 to 8 → that number`, () => {
      const found = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) =>
        orientationOf(buildExif({ orientation, isLittle })),
      );
      expect(found).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });
  }

  test('"Exif" before the structure, a subarray, a directory far behind → read', () => {
    const exif = buildExif({ orientation: 8, directory: 100, others: 7 });
    const bytes = new Uint8Array(exif.length + 9);
    bytes.set(new TextEncoder().encode('Exif\0\0'), 3);
    bytes.set(exif, 9);
    expect(orientationOf(bytes.subarray(3))).toBe(8);
    expect(orientationOf(bytes.subarray(9))).toBe(8);
  });

  test('no orientation, another type, count or number → 1', () => {
    const parts = [
      { orientation: 0 },
      { orientation: 9 },
      { orientation: 65535 },
      { type: 4 },
      { type: 1 },
      { count: 2 },
      { count: 0 },
    ];
    expect(parts.map((part) => orientationOf(buildExif(part)))).toEqual(parts.map(() => 1));
    const without = buildExif({ others: 3 });
    new DataView(without.buffer).setUint16(8, 3, true);
    expect(orientationOf(without)).toBe(1);
  });

  test('cut at every byte → 1 until the entry is whole; nothing throws', () => {
    const exif = buildExif({ others: 0 });
    const found = Array.from(exif, (_, length) => orientationOf(exif.subarray(0, length)));
    expect(found.slice(0, 22)).toEqual(found.slice(0, 22).map(() => 1));
    expect(orientationOf(exif.subarray(0, 22))).toBe(6);
  });

  test('a directory past the end, 65535 entries, random bytes → 1; nothing throws', () => {
    const far = buildExif();
    new DataView(far.buffer).setUint32(4, 0xffffffff, true);
    expect(orientationOf(far)).toBe(1);
    const many = buildExif({ others: 0, orientation: 3 });
    new DataView(many.buffer).setUint16(8, 65535, true);
    expect(orientationOf(many)).toBe(3);
    const random = seededRandom(15);
    for (let round = 0; round < 500; round++) {
      const exif = buildExif();
      for (let n = 0; n < 4; n++) exif[Math.floor(random() * exif.length)] = random() * 256;
      expect(orientationOf(exif)).toBeGreaterThanOrEqual(1);
    }
  });
});

/** RGBA pixels whose red is the number given, and whose other channels follow from it. */
const pixelsOf = (rows: readonly (readonly number[])[]) => ({
  width: rows[0].length,
  height: rows.length,
  data: Uint8Array.from(rows.flat().flatMap((n) => [n, n + 50, n + 100, n + 150])),
});

/** The reds of a picture, row by row. */
const reds = ({ width, height, data }: ReturnType<typeof pixelsOf>) =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[4 * (y * width + x)]),
  );

describe('oriented', () => {
  const stored = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  // The rows as the standard's table says where row 0 and column 0 belong.
  const shown: Readonly<Record<Orientation, number[][]>> = {
    1: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    2: [
      [3, 2, 1],
      [6, 5, 4],
    ],
    3: [
      [6, 5, 4],
      [3, 2, 1],
    ],
    4: [
      [4, 5, 6],
      [1, 2, 3],
    ],
    5: [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
    6: [
      [4, 1],
      [5, 2],
      [6, 3],
    ],
    7: [
      [6, 3],
      [5, 2],
      [4, 1],
    ],
    8: [
      [3, 6],
      [2, 5],
      [1, 4],
    ],
  };
  for (const [number, rows] of Object.entries(shown)) {
    test(`orientation ${number} → ${JSON.stringify(rows)}`, () => {
      const picture = { ...pixelsOf(stored), kind: 'PNG' as const };
      const turned = oriented(picture, Number(number) as Orientation);
      expect(turned).toEqual({ ...pixelsOf(rows), kind: 'PNG' });
      expect(reds(picture)).toEqual(stored);
    });
  }

  test('more than one square, sizes that are no multiple of it → every pixel in its place', () => {
    const [width, height] = [71, 37];
    const data = new Uint8Array(4 * width * height);
    const whole = new Uint32Array(data.buffer);
    for (let i = 0; i < whole.length; i++) whole[i] = i * 2654435761;
    const clockwise = oriented({ width, height, data }, 6);
    expect([clockwise.width, clockwise.height]).toEqual([height, width]);
    const turned = new Uint32Array((clockwise.data as Uint8Array).buffer);
    for (let y = 0; y < width; y++) {
      for (let x = 0; x < height; x++) {
        if (turned[y * height + x] !== whole[(height - 1 - x) * width + y]) {
          expect.fail(`${x}, ${y}`);
        }
      }
    }
    const back = oriented(clockwise, 8);
    expect(back).toEqual({ width, height, data });
  });

  test('bytes at an odd offset → as at an even one', () => {
    const { data, ...size } = pixelsOf(stored);
    const odd = new Uint8Array(data.length + 1);
    odd.set(data, 1);
    expect(oriented({ ...size, data: odd.subarray(1) }, 3)).toEqual(pixelsOf(shown[3]));
  });
});
