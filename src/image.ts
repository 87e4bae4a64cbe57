import { isPixelBytes } from './builtins/tags.ts';
import { checkLive, checkSize, describe } from './checks.ts';
import { expected, type TaesdError } from './errors.ts';
import type { AlphaOptions, ImageLike, Picture, Rgb } from './options/types.ts';
import { isBytes, type Row, type RowSink, type RowSource } from './rows.ts';

const WHITE: Rgb = [255, 255, 255];

/** Pixels in memory, of bytes or other numbers. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayBufferView & ArrayLike<number>;
}

/** Returns true for RGB or RGBA bytes in sRGB that fit their size: nothing to convert or refuse. */
export function isPlainPicture(image: unknown): image is ImageLike {
  const { width, height, data, colorSpace = 'srgb' } = (image ?? {}) as ImageLike;
  const isSized = [width, height].every((size) => Number.isInteger(size) && size > 0);
  return (
    isSized &&
    isPixelBytes(data) &&
    colorSpace === 'srgb' &&
    isPixel(data.length / (width * height))
  );
}

const isPixel = (channels: number): boolean => channels === 3 || channels === 4;

/**
 * Checks that the size of a picture and the length of its data fit.
 *
 * @param what  the argument's name, for messages
 * @returns numbers a pixel: 3 or 4
 * @throws TaesdError ARG (wrong size or data length, detached data)
 */
export function checkPixelData({ width, height, data }: Pixels, what = 'image'): 3 | 4 {
  checkSize(`${what} width`, width);
  checkSize(`${what} height`, height);
  checkLive(`${what} data`, data);
  const channels = data.length / (width * height);
  if (!isPixel(channels)) {
    const sizes = `${width * height * 3} (RGB) or ${width * height * 4} (RGBA)`;
    const bytes = `${sizes} bytes for ${width}×${height}`;
    throw expected('ARG', `${what} data`, bytes, `${data.length}`);
  }
  return channels as 3 | 4;
}

/**
 * Checks a picture.
 *
 * @param what  the argument's name, for messages
 * @param rule  the right value, for messages
 * @returns its properties, read once, with the bytes a pixel: 3 or 4
 * @throws TaesdError ARG (not a picture, wrong size or data length, detached data)
 */
export function checkImage(
  image: unknown,
  what: string,
  rule: string,
): ImageLike & { readonly channels: 3 | 4 } {
  const { width, height, data } = (image ?? {}) as Partial<ImageLike>;
  const isPicture = isPixelBytes(data) && width !== undefined && height !== undefined;
  if (!isPicture) throw notPicture(image, { what, rule });
  const read = { width, height, data };
  return { ...read, channels: checkPixelData(read, what) };
}

const PICTURE = 'a picture { width, height, data: RGB or RGBA bytes } or a tensor { shape, data }';

interface NotPictureParts {
  readonly what?: string;
  readonly rule?: string;
  readonly hint?: string;
}

/** Makes the error of a value that is no picture. Files have a hint of their own. */
export function notPicture(
  value: unknown,
  { what = 'image', rule = PICTURE, hint = '' } = {} as NotPictureParts,
): TaesdError {
  const isFile = ArrayBuffer.isView(value);
  const remedy = isFile ? 'a file? decodePicture of taesd-wasm/picture reads it' : hint;
  return expected('ARG', what, rule, describe(value), { hint: remedy || undefined });
}

/**
 * Returns a picture's rows as the encoder reads them: bytes divided by 255. Translucent pixels are
 * laid over the background, or keep their alpha if the model has it and no option is given.
 *
 * @param image            as `isPlainPicture` wants it
 * @param pictureChannels  the channels of the model's pictures
 * @returns rows of so many channels in [0, 1]; each `read` reads from `image.data`
 * @throws TaesdError ARG (wrong alpha or background)
 */
export function imageRows(
  image: ImageLike,
  options: AlphaOptions = {},
  pictureChannels: 3 | 4 = 3,
): RowSource {
  const { width, height, data } = image;
  const channels = data.length / (width * height);
  const isKept = pictureChannels === 4 && !options.alpha && !options.background;
  const { alpha = 'composite', background = WHITE } = options;
  if (alpha !== 'composite' && alpha !== 'drop') {
    throw expected('ARG', 'alpha', "'composite' or 'drop'", describe(alpha));
  }
  const colours = checkBackground(background);
  const blend = channels === 4 && alpha === 'composite' && !isKept;
  return {
    channels: pictureChannels,
    height,
    width,
    read(y, row, stride) {
      let at = y * width * channels;
      for (let x = 0; x < width; x++, at += channels) {
        const opacity = blend ? data[at + 3] : 255;
        for (let c = 0; c < 3; c++) {
          const value = (data[at + c] * opacity + colours[c] * (255 - opacity)) / 255;
          row[x * stride + c] = value / 255;
        }
        if (pictureChannels === 4) {
          row[x * stride + 3] = isKept && channels === 4 ? data[at + 3] / 255 : 1;
        }
      }
    },
  };
}

/** @returns a copy, which the caller can no longer change. @throws TaesdError ARG */
function checkBackground(background: Rgb): readonly number[] {
  const isByte = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 255;
  // `Array.from` turns holes, which `every` would skip, into undefined.
  const colours = Array.isArray(background) ? Array.from(background.slice(0, 4)) : [];
  if (colours.length !== 3 || !colours.every(isByte)) {
    const rule = 'three numbers [red, green, blue] from 0 to 255';
    throw expected('ARG', 'background', rule, describe(background));
  }
  return colours;
}

/**
 * Writes one row of RGBA from one row of the decoder. Values are clamped to [0, 1] and rounded to
 * the nearest byte, where torchvision truncates. NaN becomes 0; alpha is 255 if the row has none.
 *
 * @param bytes     u8 [width][4], written
 * @param row       f32 [width][stride], red, green and blue first, then alpha
 * @param stride    elements from one pixel to the next
 * @param channels  those of the row that are of the picture
 */
function writePixels(bytes: Uint8ClampedArray, row: Row, stride: number, channels: 3 | 4): void {
  const width = bytes.length / 4;
  for (let x = 0; x < width; x++) {
    // The array itself would round ties to even. Adding 0.5 rounds them up.
    bytes[4 * x + 3] = 255;
    for (let c = 0; c < channels; c++) {
      bytes[4 * x + c] = Math.floor(row[x * stride + c] * 255 + 0.5);
    }
  }
}

/**
 * Returns a sink that collects rows in a picture and crops them to its width. Rows of bytes are
 * copied.
 */
export function pictureSink({ width, data }: Picture, channels: 3 | 4 = 3): RowSink {
  return (y, row, stride) => {
    const bytes = data.subarray(4 * width * y, 4 * width * (y + 1));
    if (isBytes(row)) bytes.set(row.subarray(0, bytes.length));
    else writePixels(bytes, row, stride, channels);
  };
}
