import type { Picture } from '../../src/index.ts';
import { encodePng } from '../../src/png/index.ts';

/** Of the colours of a picture, with 3 or 4 bytes a pixel, and one with 4. */
export function psnr(a: Uint8Array | Uint8ClampedArray, channels: number, b: Picture): number {
  let sum = 0;
  for (let i = 0; i < b.width * b.height; i++) {
    for (let c = 0; c < 3; c++) sum += (a[i * channels + c] - b.data[4 * i + c]) ** 2;
  }
  return 10 * Math.log10((255 * 255 * 3 * b.width * b.height) / sum);
}

/** The beginning of a PNG of a size. */
export function pngHeader(width: number, height: number): Uint8Array {
  const bytes = encodePng({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }).slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

export function wide(width: number, height: number) {
  const data = new Uint8Array(width * height * 3).map((_, i) => (i * 7) % 251);
  return { width, height, data };
}

/** [1, 3, H, W] of bytes as a picture. */
export function asPicture({ shape, data }: { shape: readonly number[]; data: Float32Array }) {
  const [, , height, width] = shape;
  const area = height * width;
  const bytes = Uint8Array.from(
    { length: 3 * area },
    (_, i) => data[(i % 3) * area + Math.floor(i / 3)],
  );
  return { width, height, data: bytes };
}
