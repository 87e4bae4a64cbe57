import { expected } from './errors.ts';
import { describe, isDetached, type Tensor, zeros } from './tensor.ts';

/** A picture as bytes, shaped like the browser's ImageData; RGB or RGBA, told apart by the data's length. */
export interface ImageLike {
  readonly width: number;
  readonly height: number;
  /** Row-major, 3 or 4 bytes a pixel, alpha not premultiplied. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A decoded picture: RGBA, alpha 255. `new ImageData(data, width, height)` takes it as it is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Red, green and blue, 0 … 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** What becomes of translucent pixels: the networks know no alpha. */
export interface AlphaOptions {
  /** `'composite'` (default) lays the picture over `background`; `'drop'` forgets alpha, as the reference does. */
  readonly alpha?: 'composite' | 'drop' | undefined;
  /** White unless said. */
  readonly background?: Rgb | undefined;
}

const WHITE: Rgb = [255, 255, 255];

/**
 * Checks a picture.
 *
 * @returns bytes a pixel: 3 or 4
 * @throws TaesdError ARG
 */
export function checkImage(where: string, image: unknown): 3 | 4 {
  const { width, height, data } = (image ?? {}) as Partial<ImageLike>;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!isBytes || width === undefined || height === undefined) {
    const rule = 'a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }';
    throw expected('ARG', where, 'image', rule, describe(image));
  }
  checkSize(where, 'image width', width);
  checkSize(where, 'image height', height);
  if (isDetached(data)) {
    throw expected(
      'ARG',
      where,
      'image data',
      'live data',
      'a detached buffer',
      'transferred to a worker?',
    );
  }
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    const rule = `${width * height * 3} (RGB) or ${width * height * 4} (RGBA) bytes for ${width}×${height}`;
    throw expected('ARG', where, 'image data', rule, `${data.length}`);
  }
  return channels;
}

/** The longest side of anything: a picture of 2³¹ − 1 is the most that PNG can say. */
const MAX_SIDE = 2 ** 31 - 1;

/** @throws TaesdError ARG where `size` is not a whole number from 1 to 2³¹ − 1 */
export function checkSize(where: string, what: string, size: unknown): number {
  if (!Number.isInteger(size) || (size as number) < 1 || (size as number) > MAX_SIDE) {
    throw expected('ARG', where, what, `a whole number from 1 to ${MAX_SIDE}`, describe(size));
  }
  return size as number;
}

/**
 * Picture → tensor [1, 3, height, width] in [0, 1]: bytes divided by 255, alpha laid over the background.
 *
 * @throws TaesdError ARG
 */
export function imageToTensor(where: string, image: ImageLike, options: AlphaOptions = {}): Tensor {
  const channels = checkImage(where, image);
  const { alpha = 'composite', background = WHITE } = options;
  if (alpha !== 'composite' && alpha !== 'drop') {
    throw expected('ARG', where, 'alpha', "'composite' or 'drop'", describe(alpha));
  }
  checkBackground(where, background);
  const { width, height, data } = image;
  const count = width * height;
  const tensor = zeros([1, 3, height, width]);
  const blend = channels === 4 && alpha === 'composite';
  for (let c = 0; c < 3; c++) {
    const behind = background[c];
    for (let i = 0, at = 0; i < count; i++, at += channels) {
      const opacity = blend ? data[at + 3] : 255;
      const value = (data[at + c] * opacity + behind * (255 - opacity)) / 255;
      tensor.data[c * count + i] = value / 255;
    }
  }
  return tensor;
}

function checkBackground(where: string, background: Rgb): void {
  const isByte = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 255;
  if (!Array.isArray(background) || background.length !== 3 || !background.every(isByte)) {
    const rule = 'three numbers [red, green, blue] from 0 to 255';
    throw expected('ARG', where, 'background', rule, describe(background));
  }
}

/**
 * Tensor [1, 3, H, W] → picture: values are clamped to [0, 1] and rounded to the nearest byte (torchvision
 * truncates); NaN becomes 0.
 */
export function tensorToPicture({ shape, data }: Tensor): Picture {
  const [, , height, width] = shape;
  const count = width * height;
  const bytes = new Uint8ClampedArray(4 * count).fill(255);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < count; i++) {
      // Stored plainly, the array would round ties to even; this rounds them up.
      bytes[4 * i + c] = Math.floor(data[c * count + i] * 255 + 0.5);
    }
  }
  return { width, height, data: bytes };
}

/** The top left corner of tensors [N, C, H, W], as [N, C, height, width]. */
export function crop(tensor: Tensor, height: number, width: number): Tensor {
  const [batch, channels, fullHeight, fullWidth] = tensor.shape;
  if (height === fullHeight && width === fullWidth) return tensor;
  const out = zeros([batch, channels, height, width]);
  let target = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++, target += width) {
      const source = (plane * fullHeight + y) * fullWidth;
      out.data.set(tensor.data.subarray(source, source + width), target);
    }
  }
  return out;
}
