/*
 * Bytes from texts and numbers, for files that tests make. Nothing of src/ is used.
 */

/** The characters' codes, which are below 256. */
export const latin1 = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(text, 'latin1'));

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

type Piece = ArrayLike<number> | string;

/** Joins parts to one array; texts are Latin-1. */
export const joined = (...parts: readonly Piece[]): Uint8Array<ArrayBuffer> => allJoined(parts);

/** Joins a list of parts, which may have more of them than a call can have arguments. */
export function allJoined(parts: readonly Piece[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(typeof part === 'string' ? latin1(part) : part, at);
    at += part.length;
  }
  return all;
}

/** Returns little-endian fields: pairs of a width in bytes and a number. */
export function fields(
  ...pairs: readonly (readonly [width: number, value: number])[]
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const [width, value] of pairs) {
    // Division by a power of two is exact, also past 32 bits.
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) {
      bytes.push(rest % 256);
    }
  }
  return Uint8Array.from(bytes);
}
