import { describe, expect, test } from 'vitest';
import type { LatentFile } from '../../src/formats/format.ts';
import { readLatents } from '../../src/formats/index.ts';
import { latentPng } from '../../src/formats/latent-png.ts';
import { LATENT_FORMATS, recogniseFormat, writtenFormats } from '../../src/formats/table.ts';
import { fromVaeLatents } from '../../src/latent.ts';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { randomTensor, seededRandom } from '../random.ts';

const latents = randomTensor(seededRandom(3), [1, 4, 2, 3], 2);
const FILE: LatentFile = { latents, model: 'taesdxl', width: 17, height: 9 };

/** The formats of this package, which record the model and the size. */
const OWN = writtenFormats().filter(({ name }) => /^a (PNG|safetensors) file$/.test(name));

describe('table of formats', () => {
  test('endings → in lower case with a dot, each of one format', () => {
    const endings = LATENT_FORMATS.flatMap((format) => format.endings);
    expect(endings.filter((ending) => !/^\.[a-z\d.]+$/.test(ending))).toEqual([]);
    expect(new Set(endings).size).toBe(endings.length);
  });

  for (const format of OWN) {
    test(`${format.endings[0]}: written → model and size, no doubt`, async () => {
      const { file, doubt } = await format.read(format.write(FILE), {});
      expect(file).toMatchObject({ model: 'taesdxl', width: 17, height: 9 });
      expect(doubt).toBeUndefined();
    });

    test(`${format.endings[0]}: cut short, empty → a TaesdError`, () => {
      const bytes = format.write(FILE);
      // A PNG is read if it has all its pixels. The chunks after them are longer than a byte.
      const last = format.endings[0] === '.png' ? bytes.length >> 1 : bytes.length - 1;
      for (const length of [0, 8, 9, bytes.length >> 1, last]) {
        expect(() => format.read(bytes.subarray(0, length), {})).toThrow(
          expect.objectContaining({ name: 'TaesdError' }),
        );
      }
    });
  }
});

describe('formats that can be written', () => {
  /** Bare numbers, which nothing recognises: the caller says their shape. */
  const isRaw = (ending: string) => ['.f32', '.f16', '.bf16'].includes(ending);
  /** The largest rounding error of formats that round. A step of 8 bits is 0.0235. */
  const ROUNDING: Readonly<Record<string, number>> = {
    '.png': 0.012,
    '.f16': 0.001,
    '.bf16': 0.008,
  };

  for (const format of writtenFormats()) {
    const [ending] = format.endings;
    test(`${ending}: written → recognised, read → the shape, the numbers, the space`, async () => {
      const bytes = format.write(FILE);
      expect(recogniseFormat(bytes)).toBe(isRaw(ending) ? undefined : format);
      const shape = isRaw(ending) ? { shape: [1, 4, 2, 3] } : {};
      const options = { name: `a${ending}`, model: 'taesdxl', ...shape } as const;
      const found = await readLatents(bytes, options);
      expect(found.space).toBe(format.writtenSpace ?? 'diffusion');
      const read = found.space === 'vae' ? fromVaeLatents(found.latents, 'taesdxl') : found.latents;
      expect(read.shape).toEqual([1, 4, 2, 3]);
      const distances = read.data.map((value, i) => Math.abs(value - latents.data[i]));
      expect(Math.max(...distances)).toBeLessThan(ROUNDING[ending] ?? 1e-6);
    });
  }
});

describe('recogniseFormat', () => {
  const nameOf = (bytes: Uint8Array) => recogniseFormat(bytes)?.name;

  test('the beginning of a PNG or of a safetensors file → its format', () => {
    const [png, safetensors] = [encodePng(PICTURE), writeSafetensors([['x', latents]])];
    expect([png, png.subarray(0, 4)].map(nameOf)).toEqual(['a PNG file', 'a PNG file']);
    const name = 'a safetensors file';
    expect([safetensors, safetensors.subarray(0, 9)].map(nameOf)).toEqual([name, name]);
  });

  test('less, other bytes → undefined', () => {
    const others = [
      [],
      [0x89, 0x50, 0x4e],
      [0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0],
      [1, 0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0, 0, 1, 0, 0, 0, 0x7b],
    ];
    expect(others.map((bytes) => nameOf(Uint8Array.from(bytes)))).toEqual(
      others.map(() => undefined),
    );
  });
});

const PICTURE = { width: 1, height: 2, data: Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255) };

describe('a PNG without text', () => {
  const doubtOf = (picture: typeof PICTURE) => {
    const bytes = encodePng(picture);
    const format = recogniseFormat(bytes);
    expect(format).toBe(latentPng);
    return latentPng.read(bytes).doubt;
  };

  test('opaque → opaque; one translucent pixel → unmarked', () => {
    expect(doubtOf(PICTURE)).toBe('opaque');
    const data = PICTURE.data.slice();
    data[7] = 254;
    expect(doubtOf({ ...PICTURE, data })).toBe('unmarked');
  });
});
