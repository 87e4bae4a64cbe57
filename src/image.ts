import { checkLive, checkSize, describe } from './checks.ts';
import { expected } from './errors.ts';
import type { AlphaOptions, ImageLike, Picture, Rgb } from './options/types.ts';
import type { RowSink, RowSource } from './rows.ts';

const WHITE: Rgb = [255, 255, 255];

/**
 * Checks a picture.
 *
 * @param what  the argument's name, for messages
 * @param rule  the right value, for messages
 * @returns bytes a pixel: 3 or 4
 * @throws TaesdError ARG (not a picture, wrong size or data length, detached data)
 */
export function checkImage(
  image: unknown,
  what = 'image',
  rule = 'a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }',
): 3 | 4 {
  const { width, height, data } = (image ?? {}) as Partial<ImageLike>;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!isBytes || width === undefined || height === undefined) {
    const hint = ArrayBuffer.isView(image)
      ? 'a file? decodePng of taesd-wasm/png reads PNG'
      : undefined;
    throw expected('ARG', what, rule, describe(image), { hint });
  }
  checkSize(`${what} width`, width);
  checkSize(`${what} height`, height);
  checkLive(`${what} data`, data);
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    const sizes = `${width * height * 3} (RGB) or ${width * height * 4} (RGBA)`;
    const bytes = `${sizes} bytes for ${width}×${height}`;
    throw expected('ARG', `${what} data`, bytes, `${data.length}`);
  }
  return channels;
}

/**
 * Returns a picture's rows as the encoder reads them: bytes divided by 255, with translucent pixels
 * laid over the background.
 *
 * @returns rows of 3 channels in [0, 1]; each `read` reads from `image.data`
 * @throws TaesdError ARG (wrong picture, alpha or background)
 */
export function imageRows(image: ImageLike, options: AlphaOptions = {}): RowSource {
  const channels = checkImage(image);
  const { alpha = 'composite', background = WHITE } = options;
  if (alpha !== 'composite' && alpha !== 'drop') {
    throw expected('ARG', 'alpha', "'composite' or 'drop'", describe(alpha));
  }
  checkBackground(background);
  const { width, height, data } = image;
  const blend = channels === 4 && alpha === 'composite';
  return {
    channels: 3,
    height,
    width,
    read(y, row, stride) {
      let at = y * width * channels;
      for (let x = 0; x < width; x++, at += channels) {
        const opacity = blend ? data[at + 3] : 255;
        for (let c = 0; c < 3; c++) {
          const value = (data[at + c] * opacity + background[c] * (255 - opacity)) / 255;
          row[x * stride + c] = value / 255;
        }
      }
    },
  };
}

function checkBackground(background: Rgb): void {
  const isByte = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 255;
  // `Array.from` turns holes, which `every` would skip, into undefined.
  const colours = Array.isArray(background) ? Array.from(background) : [];
  if (colours.length !== 3 || !colours.every(isByte)) {
    const rule = 'three numbers [red, green, blue] from 0 to 255';
    throw expected('ARG', 'background', rule, describe(background));
  }
}

/**
 * Writes one row of RGBA from one row of the decoder. Values are clamped to [0, 1] and rounded to
 * the nearest byte, where torchvision truncates. NaN becomes 0; alpha is 255.
 *
 * @param bytes   u8 [width][4], written
 * @param row     f32 [width][stride], red, green and blue first
 * @param stride  elements from one pixel to the next
 */
function writePixels(bytes: Uint8ClampedArray, row: Float32Array, stride: number): void {
  const width = bytes.length / 4;
  for (let x = 0; x < width; x++) {
    // The array itself would round ties to even. Adding 0.5 rounds them up.
    for (let c = 0; c < 3; c++) bytes[4 * x + c] = Math.floor(row[x * stride + c] * 255 + 0.5);
    bytes[4 * x + 3] = 255;
  }
}

/** Returns a sink that collects rows in a picture and crops them to its width. */
export function pictureSink({ width, data }: Picture): RowSink {
  return (y, row, stride) => {
    writePixels(data.subarray(4 * width * y, 4 * width * (y + 1)), row, stride);
  };
}
