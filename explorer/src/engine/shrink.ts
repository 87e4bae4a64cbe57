import type { Picture } from 'taesd-wasm';
import { sizeWithin } from 'taesd-wasm/picture';

/** A byte of sRGB in linear light, from 0 to 1. */
const toLight = (byte: number): number => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

const fromLight = (light: number): number =>
  255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);

/**
 * The share that each old pixel of an axis has in the new ones: the first of them, and the part
 * inside that one.
 */
function shares(from: number, to: number) {
  const first = new Int32Array(from);
  const part = new Float64Array(from);
  for (let at = 0; at < from; at++) {
    first[at] = Math.floor((at * to) / from);
    part[at] = Math.min(((first[at] + 1) * from) / to - at, 1);
  }
  return { first, part };
}

/**
 * Makes a picture smaller without a canvas. A new pixel is the mean of the light of those that it
 * covers, weighted by their opacity.
 *
 * @param picture  RGBA, straight alpha
 * @param most  the longer side at most; a picture that fits is returned as it is
 */
export function shrink(picture: Picture, maxSide: number): Picture {
  const { width, height, data } = picture;
  const size = sizeWithin(width, height, maxSide);
  if (size.width === width) return picture;
  const light = Float64Array.from({ length: 256 }, (_, byte) => toLight(byte));
  const [across, down] = [shares(width, size.width), shares(height, size.height)];
  // Red, green and blue times opacity, opacity, and the area, with a column and a row of room.
  const columns = size.width + 1;
  const sums = new Float64Array(5 * columns * (size.height + 1));
  const line = new Float64Array(5 * columns);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + x);
      const alpha = data[from + 3] / 255;
      const at = 5 * across.first[x];
      const part = across.part[x];
      const rest = 1 - part;
      for (let c = 0; c < 5; c++) {
        const value = c < 3 ? light[data[from + c]] * alpha : c === 3 ? alpha : 1;
        line[at + c] += part * value;
        line[at + 5 + c] += rest * value;
      }
    }
    const top = down.first[y] * line.length;
    const part = down.part[y];
    for (let at = 0; at < line.length; at++) {
      sums[top + at] += part * line[at];
      sums[top + line.length + at] += (1 - part) * line[at];
    }
  }
  const out = new Uint8ClampedArray(4 * size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const from = 5 * (y * columns + x);
      const to = 4 * (y * size.width + x);
      const [opacity, area] = [sums[from + 3], sums[from + 4]];
      for (let c = 0; c < 3 && opacity > 0; c++) {
        out[to + c] = Math.round(fromLight(sums[from + c] / opacity));
      }
      out[to + 3] = Math.round((255 * opacity) / area);
    }
  }
  return { ...size, data: out };
}
