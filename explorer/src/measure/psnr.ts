import type { Picture } from 'taesd-wasm';

/** Returns true if anything can be seen through a picture. */
export function isTranslucent({ data }: Picture): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

/** Returns a picture laid over white; a picture without transparency as it is. */
export function overWhite(picture: Picture): Picture {
  if (!isTranslucent(picture)) return picture;
  const { width, height } = picture;
  const data = picture.data.slice();
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] / 255;
    for (let c = i; c < i + 3; c++) data[c] = data[c] * alpha + 255 * (1 - alpha);
    data[i + 3] = 255;
  }
  return { width, height, data };
}

/**
 * Returns the peak signal to noise ratio of two pictures' colours over white, in dB; Infinity if
 * they are equal.
 *
 * @throws RangeError if their sizes differ
 */
export function psnr(one: Picture, other: Picture): number {
  checkSizes(one, other);
  const { width, height, data: a } = overWhite(one);
  const { data: b } = overWhite(other);
  let sum = 0;
  for (let i = 0; i < a.length; i += 4) {
    const red = a[i] - b[i];
    const green = a[i + 1] - b[i + 1];
    const blue = a[i + 2] - b[i + 2];
    sum += red * red + green * green + blue * blue;
  }
  return 10 * Math.log10((255 * 255 * 3 * width * height) / sum);
}

/**
 * Returns the difference of two pictures over white, so many times as strong, on black.
 *
 * @throws RangeError if their sizes differ
 */
export function difference(one: Picture, other: Picture, times: number): Picture {
  checkSizes(one, other);
  const { width, height, data: a } = overWhite(one);
  const { data: b } = overWhite(other);
  const data = new Uint8ClampedArray(a.length);
  for (let i = 0; i < data.length; i += 4) {
    data[i] = Math.abs(a[i] - b[i]) * times;
    data[i + 1] = Math.abs(a[i + 1] - b[i + 1]) * times;
    data[i + 2] = Math.abs(a[i + 2] - b[i + 2]) * times;
    data[i + 3] = 255;
  }
  return { width, height, data };
}

/** @throws RangeError */
export function checkSizes(one: Picture, other: Picture): void {
  if (one.width === other.width && one.height === other.height) return;
  const [expected, got] = [one, other].map(({ width, height }) => `${width}×${height}`);
  throw new RangeError(`"picture" expected the other's size, ${expected}, got ${got}`);
}
