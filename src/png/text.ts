/** Longer texts are left out when reading and refused when writing. */
export const MAX_TEXT_LENGTH = 65536;
/** At most so many keywords are kept: a file can hold a million tiny tEXt chunks. */
const MAX_TEXT_COUNT = 256;
/** Source: https://www.w3.org/TR/png-3/#11keywords */
export const MAX_KEYWORD_LENGTH = 79;

/**
 * Adds one tEXt chunk, `keyword NUL text` in Latin-1, to the texts; the later of two equal keywords
 * wins. A chunk that breaks the rules is left out: it is ancillary, the picture does not need it.
 * Source: https://www.w3.org/TR/png-3/#11tEXt
 */
export function collectText(texts: Map<string, string>, data: Uint8Array): void {
  const end = data.indexOf(0);
  if (end < 1 || end > MAX_KEYWORD_LENGTH || data.length - end - 1 > MAX_TEXT_LENGTH) return;
  const keyword = latin1(data.subarray(0, end));
  if (texts.size >= MAX_TEXT_COUNT && !texts.has(keyword)) return;
  texts.set(keyword, latin1(data.subarray(end + 1)));
}

/** Byte n is code point n. `TextDecoder('latin1')` is windows-1252: it differs from 0x80 to 0x9f. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
