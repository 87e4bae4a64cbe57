/** Longer texts are left out when reading and refused when writing. */
export const MAX_TEXT_LENGTH = 65536;
/** At most so many keywords are kept: a file can hold a million tiny tEXt chunks. */
const MAX_TEXT_COUNT = 256;
/** At most so many characters of text are kept, of all keywords together. */
const MAX_TOTAL_LENGTH = 2 ** 20;
/** Source: https://www.w3.org/TR/png-3/#11keywords */
export const MAX_KEYWORD_LENGTH = 79;

/** The texts of a file's tEXt chunks. A chunk that breaks the rules, or is too much, is left out: it is ancillary. */
export class TextCollector {
  readonly #texts = new Map<string, string>();
  #totalLength = 0;

  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  /**
   * Adds one chunk, `keyword NUL text` in Latin-1; the later of two equal keywords wins.
   * Source: https://www.w3.org/TR/png-3/#11tEXt
   */
  add(data: Uint8Array): void {
    const end = data.indexOf(0);
    const length = data.length - end - 1;
    if (end < 1 || end > MAX_KEYWORD_LENGTH || length > MAX_TEXT_LENGTH) return;
    const keyword = latin1(data.subarray(0, end));
    const earlier = this.#texts.get(keyword);
    if (earlier === undefined && this.#texts.size === MAX_TEXT_COUNT) return;
    const totalLength = this.#totalLength + length - (earlier?.length ?? 0);
    if (totalLength > MAX_TOTAL_LENGTH) return;
    this.#totalLength = totalLength;
    this.#texts.set(keyword, latin1(data.subarray(end + 1)));
  }
}

/** Arguments of one call; V8 takes some 100,000. */
const BLOCK = 8192;

/**
 * Byte n is code point n. `TextDecoder('latin1')` is windows-1252: it differs from 0x80 to 0x9f. A string put together
 * character by character would hold 32 bytes for each.
 */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += BLOCK) {
    text += String.fromCharCode(...bytes.subarray(at, at + BLOCK));
  }
  return text;
}
