/*
 * The first bytes of files: those of safetensors, and those of other files that people take for
 * them.
 */

/** The first character of the header: `{`. */
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
