import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { crc32 } from './checksums.ts';
import { MAX_KEYWORD_LENGTH, MAX_TEXT_LENGTH } from './text.ts';

/** A chunk without its data: length, type, CRC-32. */
const FRAME_BYTES = 12;

/**
 * One chunk: length, type, data, CRC-32 of type and data.
 * Source: https://www.w3.org/TR/png-3/#5Chunk-layout
 *
 * @param type   four letters
 * @param parts  the data, in as many pieces as it happens to be
 */
export function pngChunk(type: string, ...parts: readonly ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(FRAME_BYTES + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes.set(latin1(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32(bytes, 4, at));
  return bytes;
}

/** A text as tEXt: keyword, NUL, text. Source: https://www.w3.org/TR/png-3/#11tEXt */
export const textChunk = (keyword: string, text: string): Uint8Array =>
  pngChunk('tEXt', latin1(`${keyword}\0${text}`));

/** Code point n is byte n. */
const latin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** tEXt holds one byte a character; NUL would end it. */
function isTextLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
}

/**
 * Checks texts by keyword. Source of the rules for keywords: https://www.w3.org/TR/png-3/#11keywords
 *
 * @returns a copy, as pairs of keyword and text
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
