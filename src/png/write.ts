import { encode } from 'fast-png';
import { checkLive, checkSize, describe } from '../arguments.ts';
import { expected } from '../errors.ts';
import { outOfMemory } from './allocate.ts';
import { MAX_KEYWORD_LENGTH, MAX_TEXT_LENGTH } from './text.ts';

/** A picture as `encodePng` takes it. */
export interface PngImage {
  /** Pixels, 1 to 2³¹ − 1. */
  readonly width: number;
  readonly height: number;
  /** u8 [height][width][3] or [4], row-major: RGB or RGBA (straight alpha), told by the length. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

const WHERE = 'encodePng';

/**
 * Encodes 8-bit pixels as a PNG file, not interlaced; RGB stays RGB. Reading it back with
 * `decodePng` gives the same pixels and texts.
 * Source: https://www.w3.org/TR/png-3/
 *
 * @param image  width, height and the pixels; they are not changed
 * @param text   texts to store as tEXt by keyword; keywords of 1 to 79 printable Latin-1
 *   characters without leading, trailing or doubled spaces, texts of Latin-1 without NUL
 * @throws TaesdError ARG (wrong size, length, keyword or text), LIMIT (a text above 64 KiB), OOM
 */
export function encodePng(
  image: PngImage,
  text: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { width, height, data, channels } = checkImage(image);
  checkText(text);
  try {
    return encode({ width, height, data, channels, depth: 8, text: { ...text } });
  } catch (cause) {
    if (cause instanceof RangeError) throw outOfMemory(WHERE, 'image', 'the PNG', cause);
    const got = cause instanceof Error ? cause.message : String(cause);
    throw expected('ARG', WHERE, 'image', 'a picture that fast-png can write', got, undefined, {
      cause,
    });
  }
}

function checkImage(image: unknown): PngImage & { readonly channels: number } {
  const { width, height, data } = (image ?? {}) as Partial<PngImage>;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    const rule = 'Uint8Array or Uint8ClampedArray';
    throw expected('ARG', WHERE, 'data', rule, describe(data));
  }
  checkLive(WHERE, 'data', data);
  const size = {
    width: checkSize(WHERE, 'width', width),
    height: checkSize(WHERE, 'height', height),
  };
  const pixels = size.width * size.height;
  if (data.length !== pixels * 3 && data.length !== pixels * 4) {
    const rule = `${pixels * 3} bytes of RGB or ${pixels * 4} of RGBA for ${size.width}×${size.height}`;
    throw expected('ARG', WHERE, 'data', rule, `${data.length}`);
  }
  return { ...size, data, channels: data.length / pixels };
}

/** tEXt holds one byte a character; NUL would end it. */
function isTextLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
}

/** Source of the rules for keywords: https://www.w3.org/TR/png-3/#11keywords */
function checkText(text: unknown): void {
  if (typeof text !== 'object' || text === null) {
    throw expected('ARG', WHERE, 'text', 'an object of strings', describe(text));
  }
  for (const [keyword, value] of Object.entries(text) as [string, unknown][]) {
    const isPrintable = /^[\x20-\x7e\xa1-\xff]+$/.test(keyword) && !/^ | {2}| $/.test(keyword);
    if (!isPrintable || keyword.length > MAX_KEYWORD_LENGTH) {
      const rule = `1 to ${MAX_KEYWORD_LENGTH} printable Latin-1 characters, single spaces within`;
      throw expected('ARG', WHERE, 'text keyword', rule, describe(keyword));
    }
    const what = `text ${keyword}`;
    if (typeof value !== 'string') {
      throw expected('ARG', WHERE, what, 'a string', describe(value));
    }
    if (value.length > MAX_TEXT_LENGTH) {
      const rule = `at most ${MAX_TEXT_LENGTH} characters`;
      throw expected('LIMIT', WHERE, what, rule, `${value.length}`);
    }
    if (!isTextLatin1(value)) {
      throw expected('ARG', WHERE, what, 'Latin-1 characters without NUL', describe(value));
    }
  }
}
