import { fromLatin1 } from './latin1.ts';

/** The longest text. The reader leaves out longer ones; the writers refuse them. */
export const MAX_TEXT_LENGTH = 65536;
/** The maximum number of keywords kept, since a file can hold a million tiny tEXt chunks. */
const MAX_TEXT_COUNT = 256;
/** The maximum number of characters of text kept, of all keywords together. */
const MAX_TOTAL_LENGTH = 2 ** 20;
/** The longest keyword. Source: https://www.w3.org/TR/png-3/#11keywords */
export const MAX_KEYWORD_LENGTH = 79;

/**
 * Collects the texts of a file's tEXt chunks. These chunks are ancillary, so one that breaks a rule
 * or exceeds a limit is left out.
 */
export class TextCollector {
  readonly #texts = new Map<string, string>();
  #totalLength = 0;

  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  /**
   * Adds one chunk, `keyword NUL text` in Latin-1. The later of two equal keywords wins.
   * Source: https://www.w3.org/TR/png-3/#11tEXt
   */
  add(data: Uint8Array): void {
    const end = data.indexOf(0);
    const length = data.length - end - 1;
    if (end < 1 || end > MAX_KEYWORD_LENGTH || length > MAX_TEXT_LENGTH) return;
    const keyword = fromLatin1(data.subarray(0, end));
    const earlier = this.#texts.get(keyword);
    if (earlier === undefined && this.#texts.size === MAX_TEXT_COUNT) return;
    const totalLength = this.#totalLength + length - (earlier?.length ?? 0);
    if (totalLength > MAX_TOTAL_LENGTH) return;
    this.#totalLength = totalLength;
    this.#texts.set(keyword, fromLatin1(data.subarray(end + 1)));
  }
}
