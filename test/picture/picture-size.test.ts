import { expect, test } from 'vitest';
import { pictureSize, sizeWithin } from '../../src/picture/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { latin1 } from '../bytes.ts';
import { buildExif } from '../exif/build-exif.ts';
import {
  ALPHA,
  BASELINE,
  GREY,
  jpegWithExif,
  LOSSLESS,
  LOSSY,
  PROGRESSIVE,
  webpWith,
} from './files.ts';

test('pictureSize: the header of a file of each kind → its size', () => {
  for (const { bytes, width, height } of [BASELINE, PROGRESSIVE, GREY, LOSSY, LOSSLESS, ALPHA]) {
    expect(pictureSize(bytes.subarray(0, bytes[0] === 0x52 ? 30 : 200))).toEqual({ width, height });
  }
  const turned = jpegWithExif(BASELINE.bytes, buildExif({ orientation: 6 }));
  expect(pictureSize(turned)).toEqual({ width: 9, height: 17 });
  expect(pictureSize(turned.slice().buffer)).toEqual({ width: 9, height: 17 });
  const webp = webpWith(LOSSY, { EXIF: buildExif({ orientation: 8 }) });
  expect(pictureSize(webp)).toEqual({ width: 9, height: 17 });
  expect(pictureSize(webp.subarray(0, 40))).toEqual({ width: 17, height: 9 });
  const png = encodePng({ width: 300, height: 2, data: new Uint8Array(1800) });
  expect(pictureSize(png.subarray(0, 24))).toEqual({ width: 300, height: 2 });
  const gif = latin1('GIF89a\x2c\x01\x02\0');
  expect(pictureSize(gif)).toEqual({ width: 300, height: 2 });
});

test('pictureSize: a header that is cut off, another file → undefined', () => {
  for (const { bytes } of [BASELINE, LOSSY]) {
    for (let length = 0; length < 30; length++) {
      const size = pictureSize(bytes.subarray(0, length));
      expect(size === undefined || bytes[0] === 0x52).toBe(true);
    }
  }
  expect(pictureSize(latin1('hello'))).toBeUndefined();
  expect(() => pictureSize('a.png' as never)).toThrow(
    'pictureSize: "bytes" expected a Uint8Array or ArrayBuffer, got "a.png"',
  );
});

test('sizeWithin: sizes above and below the limit → the proportion kept, at least 1', () => {
  expect(sizeWithin(4000, 3000, 1024)).toEqual({ width: 1024, height: 768 });
  expect(sizeWithin(3000, 4000, 1024)).toEqual({ width: 768, height: 1024 });
  expect(sizeWithin(1024, 512, 1024)).toEqual({ width: 1024, height: 512 });
  expect(sizeWithin(1001, 501, 500)).toEqual({ width: 500, height: 250 });
  expect(sizeWithin(5000, 1, 10)).toEqual({ width: 10, height: 1 });
  expect(() => sizeWithin(10, 10, 0)).toThrow(
    'sizeWithin: "maxSize" expected a whole number from 1 to 2147483647, got 0',
  );
});
