import { encode } from 'fast-png';
import { isPixelBytes, isRangeError } from '../builtins/tags.ts';
import { checkLive, checkSize, describe } from '../checks.ts';
import { expected, inCall, messageOf } from '../errors.ts';
import { outOfPngMemory } from './allocate.ts';
import { checkText } from './write-chunks.ts';

/** A picture for `encodePng`. */
export interface PngImage {
  /** In pixels, 1 to 2³¹ − 1. */
  readonly width: number;
  /** In pixels, 1 to 2³¹ − 1. */
  readonly height: number;
  /**
   * RGB, u8 [height][width][3], or RGBA with straight alpha, u8 [height][width][4]; row-major. The
   * length tells which.
   */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * Encodes 8-bit pixels as a PNG file without interlacing. RGB stays RGB. `decodePng` reads back the
 * pixels and texts unchanged.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param image  width, height and the pixels; not written to
 * @param text   texts to store as tEXt, by keyword. A keyword has 1 to 79 printable Latin-1
 *   characters without leading, trailing or doubled spaces. A text has Latin-1 characters other
 *   than NUL. Defaults to none.
 * @returns the whole file
 * @throws TaesdError ARG (wrong size, data, keyword or text), LIMIT (a text above 64 KiB), OOM
 */
export function encodePng(
  image: PngImage,
  text: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  return inCall('encodePng', () => encodeImage(image, text));
}

function encodeImage(
  image: PngImage,
  text: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const { width, height, data, channels } = checkPngImage(image);
  const texts = Object.fromEntries(checkText(text));
  try {
    const png = encode({ width, height, data, channels, depth: 8, text: texts });
    // fast-png writes into an ArrayBuffer of its own. Its type allows a SharedArrayBuffer too.
    return png as Uint8Array<ArrayBuffer>;
  } catch (cause) {
    if (isRangeError(cause)) throw outOfPngMemory('image', 'the PNG', cause);
    const got = messageOf(cause);
    throw expected('ARG', 'image', 'a picture that fast-png can write', got, { cause });
  }
}

function checkPngImage(image: unknown): PngImage & { readonly channels: number } {
  const { width, height, data } = (image ?? {}) as Partial<PngImage>;
  if (!isPixelBytes(data)) {
    throw expected('ARG', 'data', 'a Uint8Array or Uint8ClampedArray', describe(data));
  }
  checkLive('data', data);
  const size = {
    width: checkSize('width', width),
    height: checkSize('height', height),
  };
  const pixels = size.width * size.height;
  if (data.length !== pixels * 3 && data.length !== pixels * 4) {
    const rule = `${pixels * 3} bytes of RGB or ${pixels * 4} of RGBA for ${size.width}×${size.height}`;
    throw expected('ARG', 'data', rule, `${data.length}`);
  }
  return { ...size, data, channels: data.length / pixels };
}
