import { describe } from '../checks.ts';
import { crc32 } from '../checksums.ts';
import { expected } from '../errors.ts';
import { RGB, RGB_ALPHA } from './header.ts';
import { toLatin1 } from './latin1.ts';
import { CHUNK_OVERHEAD } from './layout.ts';
import { MAX_KEYWORD_LENGTH, MAX_TEXT_LENGTH } from './text.ts';

/**
 * Makes one chunk: length, type, data, CRC-32 of type and data.
 * Source: https://www.w3.org/TR/png-3/#5Chunk-layout
 *
 * @param type   four letters
 * @param parts  the data, in any number of pieces
 */
export function pngChunk(type: string, ...parts: readonly ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(CHUNK_OVERHEAD + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes.set(toLatin1(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32(bytes, 4, at));
  return bytes;
}

/** Makes a tEXt chunk: keyword, NUL, text. Source: https://www.w3.org/TR/png-3/#11tEXt */
export const textChunk = (keyword: string, text: string): Uint8Array =>
  pngChunk('tEXt', toLatin1(`${keyword}\0${text}`));

/**
 * Makes IHDR of a picture of depth 8 that is not interlaced.
 * Source: https://www.w3.org/TR/png-3/#11IHDR
 */
export function headerChunk(width: number, height: number, channels: 3 | 4): Uint8Array {
  const data = new DataView(new ArrayBuffer(13));
  data.setUint32(0, width);
  data.setUint32(4, height);
  data.setUint8(8, 8);
  data.setUint8(9, channels === 3 ? RGB : RGB_ALPHA);
  return pngChunk('IHDR', new Uint8Array(data.buffer));
}

/** Returns true for text that tEXt can hold: one byte a character and no NUL, which ends text. */
function isTextLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
}

/**
 * Checks texts by keyword.
 * Source of the rules for keywords: https://www.w3.org/TR/png-3/#11keywords
 *
 * @returns a copy as pairs of keyword and text
 * @throws TaesdError ARG (a wrong keyword or text), LIMIT (a text above 64 KiB)
 */
export function checkText(text: unknown): [keyword: string, text: string][] {
  if (typeof text !== 'object' || text === null) {
    throw expected('ARG', 'text', 'an object of strings', describe(text));
  }
  const texts = Object.entries(text) as [string, unknown][];
  for (const [keyword, value] of texts) {
    const isPrintable = /^[\x20-\x7e\xa1-\xff]+$/.test(keyword) && !/^ | {2}| $/.test(keyword);
    if (!isPrintable || keyword.length > MAX_KEYWORD_LENGTH) {
      const rule = `1 to ${MAX_KEYWORD_LENGTH} printable Latin-1 characters, single spaces within`;
      throw expected('ARG', 'text keyword', rule, describe(keyword));
    }
    const what = `text ${keyword}`;
    if (typeof value !== 'string') {
      throw expected('ARG', what, 'a string', describe(value));
    }
    if (value.length > MAX_TEXT_LENGTH) {
      const rule = `at most ${MAX_TEXT_LENGTH} characters`;
      throw expected('LIMIT', what, rule, `${value.length}`);
    }
    if (!isTextLatin1(value)) {
      throw expected('ARG', what, 'Latin-1 characters without NUL', describe(value));
    }
  }
  return texts as [string, string][];
}
