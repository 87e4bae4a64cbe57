import { strictDecoder } from '../builtins/text.ts';
import { type ErrorCode, expected, type TaesdError } from '../errors.ts';

/** Reads the bytes of a pickle in order. Every length is checked against the bytes left. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** A lone surrogate, which Python lets pass, is not UTF-8 and is refused. */
  readonly #utf8 = strictDecoder();
  #at = 0;
  #opcodeAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The place of the current opcode, for messages: `data.pkl at byte 12`. */
  get where(): string {
    return `data.pkl at byte ${this.#opcodeAt}`;
  }

  /** The bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Makes an error about the current opcode. */
  fault(code: ErrorCode, rule: string, got: string, hint?: string): TaesdError {
    return expected(code, this.where, rule, got, { hint });
  }

  /** Reads the next opcode. @throws TaesdError TRUNCATED */
  opcode(): number {
    this.#opcodeAt = this.#at;
    return this.u8();
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** Reads a length of 64 bits. From 2⁵³ on it is rounded, and longer than any file. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** Reads a float of 64 bits. A pickle holds them big-endian, unlike all else. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** Reads a whole number of `length` bytes, little-endian, in two's complement. */
  long(length: number): number | bigint {
    const start = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** Reads a text of `length` bytes. @throws TaesdError TRUNCATED, FORMAT (not UTF-8) */
  text(length: number): string {
    const start = this.#take(length);
    return this.#decode(start, start + length);
  }

  /** Reads a text up to the end of its line. @throws TaesdError TRUNCATED, FORMAT (not UTF-8) */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end === -1) throw this.fault('TRUNCATED', 'a name that ends with its line', 'none');
    const start = this.#take(end + 1 - this.#at);
    return this.#decode(start, end);
  }

  /** Passes over `length` bytes and returns where they begin. @throws TaesdError TRUNCATED */
  #take(length: number): number {
    if (length > this.left) {
      throw this.fault('TRUNCATED', `${length} more bytes`, `${this.left}`, 'cut off?');
    }
    const start = this.#at;
    this.#at += length;
    return start;
  }

  #decode(start: number, end: number): string {
    try {
      return this.#utf8.decode(this.#bytes.subarray(start, end));
    } catch {
      throw this.fault('FORMAT', 'text in UTF-8', 'other bytes');
    }
  }
}
