import { expect, test } from 'vitest';
import { decodePicture } from '../../src/picture/index.ts';
import { largestDifference } from '../compare.ts';
import { buildExif } from '../exif/build-exif.ts';
import { seededRandom } from '../random.ts';
import { jpegWithExif } from './files.ts';
import { installSharp, type Sharp, type SharpImage } from './install-sharp.ts';

/*
 * Pixels against sharp's, of files that sharp makes: no difference, in no channel of any pixel.
 */

const { sharp, reason = '' } = installSharp();

/** Skips without sharp, or fails if `CI` is set. */
function testSharp(name: string, body: (sharp: Sharp) => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (sharp !== undefined) return body(sharp);
    if (process.env.CI) throw new Error(reason);
    skip(reason);
  });
}

/** Waves and noise: smooth parts, edges and detail. */
function pixels(width: number, height: number, channels: number): Uint8Array {
  const random = seededRandom(width * 1000 + height);
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / (channels * width));
    const wave = 127 + 90 * Math.sin(x / (7 + c) + y / (11 - c));
    return Math.max(0, Math.min(255, wave + (x > y ? 40 : -40) * random()));
  });
}

const SIZES = [
  [1, 1],
  [2, 3],
  [8, 8],
  [17, 9],
  [64, 64],
  [67, 45],
  [333, 222],
] as const;

async function compare(sharpOf: Sharp, name: string, bytes: Uint8Array): Promise<void> {
  const upright = sharpOf(bytes, { ignoreIcc: true }).autoOrient().ensureAlpha();
  const wanted = await upright.raw().toBuffer({ resolveWithObject: true });
  const { width, height, data } = await decodePicture(bytes);
  expect([width, height], name).toEqual([wanted.info.width, wanted.info.height]);
  expect(largestDifference(data, wanted.data), name).toBe(0);
}

type Make = (image: SharpImage) => SharpImage;

const JPEGS: Readonly<Record<string, Make>> = {
  baseline: (image) => image.jpeg(),
  'quality 30': (image) => image.jpeg({ quality: 30 }),
  'quality 100': (image) => image.jpeg({ quality: 100 }),
  progressive: (image) => image.jpeg({ progressive: true }),
  '4:4:4': (image) => image.jpeg({ chromaSubsampling: '4:4:4' }),
  'progressive 4:4:4': (image) => image.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  'mozjpeg’s tables and scans': (image) => image.jpeg({ mozjpeg: true }),
  grey: (image) => image.toColourspace('b-w').jpeg(),
};
const WEBPS: Readonly<Record<string, Make>> = {
  lossy: (image) => image.webp(),
  'quality 30': (image) => image.webp({ quality: 30 }),
  'smart subsampling': (image) => image.webp({ smartSubsample: true }),
  lossless: (image) => image.webp({ lossless: true }),
  'near lossless': (image) => image.webp({ nearLossless: true, quality: 60 }),
};

for (const [name, make] of Object.entries(JPEGS)) {
  testSharp(`JPEG, ${name}, ${SIZES.length} sizes → difference 0`, async (sharpOf) => {
    for (const [width, height] of SIZES) {
      const raw = { width, height, channels: 3 };
      const bytes = await make(sharpOf(pixels(width, height, 3), { raw })).toBuffer();
      await compare(sharpOf, `${name} ${width}×${height}`, bytes);
    }
  });
}

for (const [name, make] of Object.entries(WEBPS)) {
  for (const channels of [3, 4]) {
    const alpha = channels === 4 ? ' with alpha' : '';
    testSharp(`WebP, ${name}${alpha}, ${SIZES.length} sizes → difference 0`, async (sharpOf) => {
      for (const [width, height] of SIZES) {
        const raw = { width, height, channels };
        const bytes = await make(sharpOf(pixels(width, height, channels), { raw })).toBuffer();
        await compare(sharpOf, `${name} ${width}×${height}`, bytes);
      }
    });
  }
}

testSharp('EXIF orientations 1 to 8 of JPEG and WebP → difference 0', async (sharpOf) => {
  const raw = { width: 67, height: 45, channels: 3 };
  const image = () => sharpOf(pixels(67, 45, 3), { raw });
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const jpeg = await image().withMetadata({ orientation }).jpeg().toBuffer();
    await compare(sharpOf, `JPEG ${orientation}`, jpeg);
    const webp = await image().withMetadata({ orientation }).webp().toBuffer();
    await compare(sharpOf, `WebP ${orientation}`, webp);
    for (const isLittle of [true, false]) {
      const plain = await image().jpeg().toBuffer();
      const bytes = jpegWithExif(plain, buildExif({ orientation, isLittle }));
      await compare(sharpOf, `JPEG ${orientation}, EXIF by hand`, bytes);
    }
  }
});

testSharp('profiles of Display P3, and of sRGB → as sharp converts them', async (sharpOf) => {
  const raw = { width: 67, height: 45, channels: 3 };
  for (const [name, bound] of [
    ['p3', 2],
    ['srgb', 1],
  ] as const) {
    const image = () => sharpOf(pixels(67, 45, 3), { raw }).withIccProfile(name);
    for (const file of [image().jpeg({ quality: 100 }), image().webp({ lossless: true })]) {
      const bytes = await file.toBuffer();
      const wanted = await sharpOf(bytes).ensureAlpha().raw().toBuffer();
      const { data, notes } = await decodePicture(bytes);
      expect(notes).toEqual([]);
      expect(largestDifference(data, wanted)).toBeLessThanOrEqual(bound);
      const stored = await decodePicture(bytes, { colour: 'raw' });
      expect(largestDifference(stored.data, data)).toBeGreaterThan(name === 'p3' ? 20 : -1);
    }
  }
});
