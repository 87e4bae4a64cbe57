/** Arguments of one call. V8 allows about 100,000. */
const BLOCK = 8192;

/**
 * Returns the text whose code point n is byte n. `TextDecoder('latin1')` would decode windows-1252,
 * which differs from 0x80 to 0x9f. A string joined character by character would hold 32 bytes for
 * each.
 */
export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += BLOCK) {
    text += String.fromCharCode(...bytes.subarray(at, at + BLOCK));
  }
  return text;
}

/** Returns the bytes whose byte n is code point n. @param text  code points up to 255 */
export const toLatin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));
