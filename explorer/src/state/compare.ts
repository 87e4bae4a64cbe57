import type { Picture } from 'taesd-wasm';

/** Peak signal to noise ratio of two pictures' colours, in dB; infinite where they are equal. */
export function psnr(a: Picture, b: Picture): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    if (i % 4 === 3) continue;
    const difference = a.data[i] - b.data[i];
    sum += difference * difference;
  }
  return 10 * Math.log10((255 * 255 * 3 * a.width * a.height) / sum);
}

/** What differs, so many times as strong, on black. */
export function difference(a: Picture, b: Picture, times: number): Picture {
  const data = new Uint8ClampedArray(a.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = i % 4 === 3 ? 255 : Math.abs(a.data[i] - b.data[i]) * times;
  }
  return { width: a.width, height: a.height, data };
}
