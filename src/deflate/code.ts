/** The longest code of DEFLATE in bits. */
const MAX_CODE_BITS = 15;

/**
 * A Huffman code, ready for decoding. Codes of at most `rootBits` bits are found by one look into
 * `root`. Longer codes are rare, and are found bit by bit. So a code costs about 2 µs to make; one
 * table of 2^15 entries costs 100 times that, and a file can hold a code in every 20 bytes.
 */
export interface HuffmanCode {
  readonly rootBits: number;
  /** u16 [2^rootBits]: symbol·16 + length by the next bits of the stream; 0 for longer codes. */
  readonly root: Uint16Array;
  /** The number of codes of each length. */
  readonly counts: Uint16Array;
  /** The symbols in the order of their codes. */
  readonly symbols: Uint16Array;
}

/** Makes an empty code. @param maxSymbols  the number of symbols it may have */
export const emptyCode = (rootBits: number, maxSymbols: number): HuffmanCode => ({
  rootBits,
  root: new Uint16Array(2 ** rootBits),
  counts: new Uint16Array(MAX_CODE_BITS + 1),
  symbols: new Uint16Array(maxSymbols),
});

/** The first place of each length in `symbols`; used by one call of `fillCode` alone. */
const places = new Uint16Array(MAX_CODE_BITS + 2);

/**
 * Fills a code from the lengths of its symbols' codes; 0 means that the symbol has none.
 * Source: RFC 1951, 3.2.2
 *
 * @param code     overwritten
 * @param lengths  u8, of which `[from, to)` are the symbols 0, 1, …
 * @returns how many codes of 15 bits are left over: 0 for a complete set, 2^15 for a set without
 *   codes, negative for an over-subscribed one, which leaves the code unusable
 */
export function fillCode(code: HuffmanCode, lengths: Uint8Array, from: number, to: number): number {
  const { rootBits, root, counts, symbols } = code;
  counts.fill(0);
  for (let i = from; i < to; i++) counts[lengths[i]]++;
  counts[0] = 0;
  places[1] = 0;
  let left = 1;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    left = left * 2 - counts[length];
    if (left < 0) return left;
    places[length + 1] = places[length] + counts[length];
  }
  for (let i = from; i < to; i++) {
    if (lengths[i] !== 0) symbols[places[lengths[i]]++] = i - from;
  }
  root.fill(0);
  const size = root.length;
  // A stream holds a code's first bit lowest, so codes are counted up with their bits reversed.
  let reversed = 0;
  let next = 0;
  for (let length = 1; length <= rootBits; length++) {
    for (let n = counts[length]; n > 0; n--) {
      const entry = (symbols[next++] << 4) | length;
      for (let at = reversed; at < size; at += 1 << length) root[at] = entry;
      let bit = 1 << (length - 1);
      while ((reversed & bit) !== 0) bit >>= 1;
      reversed = bit === 0 ? 0 : (reversed & (bit - 1)) + bit;
    }
  }
  return left;
}

/** Returns true if a set has no codes. @param left  the result of `fillCode` */
export const isEmptySet = (left: number): boolean => left === 2 ** MAX_CODE_BITS;

/** Fills a code whose every bit stands for symbol 0. */
export function fillWithZeros({ root }: HuffmanCode): void {
  root.fill(1);
}

/**
 * Returns symbol·16 + length of the code that `bits` begin with, or 0 without one.
 *
 * @param bits  the next bits of the stream, the first one lowest
 */
export function longCode({ counts, symbols }: HuffmanCode, bits: number): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    code |= (bits >>> (length - 1)) & 1;
    const count = counts[length];
    if (code - count < first) return (symbols[index + code - first] << 4) | length;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}
