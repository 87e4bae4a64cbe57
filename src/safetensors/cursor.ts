import { type ErrorCode, expected, type TaesdError } from '../errors.ts';
import { showName } from './show-name.ts';

/** The maximum number of keys in one object. Real files have hundreds. */
const MAX_KEYS = 1 << 20;

/**
 * Reads the JSON of a safetensors header from left to right. The caller requests the one thing that
 * belongs at each position: an object, an array, a string, a whole number.
 *
 * `JSON.parse` is not used because it keeps the last of two equal keys, reads 1.0 and 1e0 as 1,
 * recurses into anything, and builds all of it before a check can run. This reader nests only as
 * deep as the format does, so no stack can overflow, and time and memory are linear in the header.
 *
 * Every method throws TaesdError FORMAT if the text does not fit.
 *
 * Source: RFC 8259
 */
export class HeaderCursor {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /**
   * Reads `{ "key": …, … }`. `readValue` must read the value of each key.
   * @throws TaesdError FORMAT (a key that occurs twice, compared after unescaping), LIMIT (more
   *   than 2²⁰ keys)
   */
  readObject(what: string, readValue: (key: string) => void): void {
    this.open(what, '{', 'an object');
    const seen = new Set<string>();
    if (this.take('}')) return;
    do {
      const key = this.readString(what, 'a quoted key');
      if (seen.has(key)) throw this.fail(what, 'each key once', `"${showName(key)}" twice`);
      if (seen.size === MAX_KEYS) {
        throw this.fail(what, `at most ${MAX_KEYS} keys`, 'more', 'LIMIT');
      }
      seen.add(key);
      if (!this.take(':')) throw this.fail(what, `":" after "${showName(key)}"`, this.next());
      readValue(key);
    } while (this.take(','));
    if (!this.take('}')) throw this.fail(what, '"," or "}"', this.next());
  }

  /**
   * Reads `[whole number, …]`.
   * @throws TaesdError LIMIT (more than `max` numbers)
   */
  readCounts(what: string, max: number): number[] {
    this.open(what, '[', 'an array of whole numbers');
    const counts: number[] = [];
    if (this.take(']')) return counts;
    do {
      if (counts.length === max) {
        throw this.fail(what, `at most ${max} numbers`, 'more', 'LIMIT');
      }
      counts.push(this.readCount(what));
    } while (this.take(','));
    if (!this.take(']')) throw this.fail(what, '"," or "]"', this.next());
    return counts;
  }

  /** Reads a string and unescapes it. Half of a surrogate pair is not text and is refused. */
  readString(what: string, rule = 'a string'): string {
    this.open(what, '"', rule);
    const start = this.at - 1;
    let plain = true;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code)) throw this.fail(what, 'a closing quote', this.next());
      this.at += 1;
      if (code === QUOTE) break;
      if (code < 0x20) throw this.fail(what, 'no control character in a string', `code ${code}`);
      if (code === BACKSLASH) {
        plain = false;
        this.at += 1;
      }
    }
    if (plain) return this.text.slice(start + 1, this.at - 1);
    const quoted = this.text.slice(start, this.at);
    const string = this.unescape(what, quoted);
    // Strict UTF-8 contains no halves, but `\ud800` spells one.
    if (/\p{Surrogate}/u.test(string)) {
      throw this.fail(what, 'whole characters', `half a surrogate pair in ${showName(quoted)}`);
    }
    return string;
  }

  /** Checks that only white space follows. The format pads the header with it. */
  readEnd(what: string): void {
    if (this.skipSpace() < this.text.length) {
      throw this.fail(what, 'nothing but spaces after the last "}"', this.next());
    }
  }

  private readCount(what: string): number {
    this.skipSpace();
    const number = this.match(/-?\d[\d.eE+-]*/y);
    if (number === undefined) throw this.fail(what, WHOLE, this.next());
    const count = Number(number);
    if (!/^(?:0|[1-9]\d*)$/.test(number) || !Number.isSafeInteger(count)) {
      throw this.fail(what, WHOLE, showName(number));
    }
    this.at += number.length;
    return count;
  }

  private unescape(what: string, quoted: string): string {
    try {
      return JSON.parse(quoted);
    } catch (cause) {
      throw expected('FORMAT', what, 'JSON escapes', showName(quoted), { cause });
    }
  }

  private open(what: string, bracket: string, rule: string): void {
    if (!this.take(bracket)) throw this.fail(what, rule, this.next());
  }

  private take(char: string): boolean {
    if (this.text[this.skipSpace()] !== char) return false;
    this.at += 1;
    return true;
  }

  private skipSpace(): number {
    while (SPACE.has(this.text.charCodeAt(this.at))) this.at += 1;
    return this.at;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  /** Returns the text at the cursor in a word or two, for messages. */
  private next(): string {
    const char = this.text[this.at];
    if (char === undefined) return "the header's end";
    return NAMED.get(char) ?? showName(this.match(/-?[\w.+-]+/y) ?? this.match(/./suy) ?? char);
  }

  private fail(what: string, rule: string, got: string, code: ErrorCode = 'FORMAT'): TaesdError {
    return expected(code, what, rule, `${got} at character ${this.at} of the header`);
  }
}

const WHOLE = `a whole number from 0 to 2^53 − 1`;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** JSON's white space: space, tab, line feed, carriage return. */
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const NAMED = new Map([
  ['"', 'a string'],
  ['{', 'an object'],
  ['[', 'an array'],
]);
