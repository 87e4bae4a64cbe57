import { type ErrorCode, expected, type TaesdError } from './errors.ts';

/*
 * The first bytes of files, by which readers recognise their own files and those that people take
 * for them.
 */

/** Returns true if bytes begin with a text of one byte a character. */
export function startsWith(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Returns the first `max` bytes in hexadecimal: `ff d8 ff e0`. */
export const hexText = (bytes: Uint8Array, max = 8): string =>
  Array.from(bytes.subarray(0, max), (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Describes a file of no known kind by its first bytes, as text if they are printable. */
export function unknownFile(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  const shown = /^[ -~]+$/.test(text) ? `"${text}"` : hexText(bytes);
  return `a file that begins with ${shown}`;
}

/** The first character of a safetensors header: `{`. */
export const OPEN_BRACE = 0x7b;

/**
 * Returns true if bytes begin as a safetensors file does. Its length of 64 bits is below 2³² in any
 * real file, so bytes 4 to 7 are 0, and byte 8 is `{`.
 */
export const isSafetensors = (bytes: Uint8Array): boolean =>
  bytes.length > 8 && mayBeSafetensors(bytes);

/** Like `isSafetensors`, but returns true also for a file that is cut short within these bytes. */
export const mayBeSafetensors = (bytes: Uint8Array): boolean =>
  bytes.subarray(4, 9).every((byte, i) => byte === (i < 4 ? 0 : OPEN_BRACE));

/** Returns the first 64 bytes as text, one character a byte. */
export const firstBytes = (bytes: Uint8Array): string =>
  String.fromCharCode(...bytes.subarray(0, 64));

/**
 * Returns true if the first bytes, as text, begin an HTML page. A byte order mark may precede it.
 */
export const isHtml = (start: string): boolean =>
  /^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)/i.test(start);

/** Returns true for the first bytes of a gzip file. */
export const isGzip = (bytes: Uint8Array): boolean => startsWith(bytes, '\x1f\x8b');

/** A kind of file that people take for another. */
export interface ForeignKind {
  readonly is: (bytes: Uint8Array) => boolean;
  readonly code: ErrorCode;
  readonly got: string;
  readonly hint: string;
}

/** The files that downloads leave in place of any other. */
export const NOT_DOWNLOADED: readonly ForeignKind[] = [
  {
    is: (bytes) => isHtml(firstBytes(bytes)),
    code: 'FORMAT',
    got: 'HTML',
    hint: 'the address is wrong, or a web page was saved in place of the file',
  },
  {
    is: (bytes) => startsWith(bytes, 'version https://git-lfs'),
    code: 'FORMAT',
    got: 'a Git LFS pointer',
    hint: 'the file itself was not fetched; run `git lfs pull`, or download it',
  },
];

/**
 * Returns the error for a file of one of these kinds; undefined for others.
 *
 * @param rule  the right kind: `a safetensors file`
 */
export function foreignError(
  bytes: Uint8Array,
  rule: string,
  kinds: readonly ForeignKind[],
): TaesdError | undefined {
  const kind = kinds.find(({ is }) => is(bytes));
  return kind && expected(kind.code, 'bytes', rule, kind.got, { hint: kind.hint });
}
