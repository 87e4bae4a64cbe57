import type { Picture } from 'taesd-wasm';

/** Peak signal to noise ratio of two pictures' colours, in dB; infinite where they are equal. */
export function psnr({ width, height, data: a }: Picture, { data: b }: Picture): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 4) {
    const red = a[i] - b[i];
    const green = a[i + 1] - b[i + 1];
    const blue = a[i + 2] - b[i + 2];
    sum += red * red + green * green + blue * blue;
  }
  return 10 * Math.log10((255 * 255 * 3 * width * height) / sum);
}

/** What differs, so many times as strong, on black. */
export function difference(a: Picture, b: Picture, times: number): Picture {
  const data = new Uint8ClampedArray(a.data.length);
  for (let i = 0; i < data.length; i += 4) {
    data[i] = Math.abs(a.data[i] - b.data[i]) * times;
    data[i + 1] = Math.abs(a.data[i + 1] - b.data[i + 1]) * times;
    data[i + 2] = Math.abs(a.data[i + 2] - b.data[i + 2]) * times;
    data[i + 3] = 255;
  }
  return { width: a.width, height: a.height, data };
}
