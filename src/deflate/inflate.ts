import { BitReader } from './bits.ts';
import {
  emptyCode,
  fillCode,
  fillWithZeros,
  type HuffmanCode,
  isEmptySet,
  longCode,
} from './code.ts';

/** The largest growth of a DEFLATE stream: 258 bytes from two bits. */
export const MAX_RATIO = 1032;

/** How far a stream was inflated. */
export interface Inflation {
  /**
   * `ended`: the whole stream. `full`: the stream goes on with more than the output can hold.
   * `short`: the input ends before the stream. `damaged`: `fault` names the rule it breaks.
   */
  readonly end: 'ended' | 'full' | 'short' | 'damaged';
  /** Bytes of output. */
  readonly filled: number;
  /** The offset in the input after the stream's last byte, if it ended. */
  readonly at: number;
  /** The fault of a damaged stream: `invalid block type`. */
  readonly fault?: string;
}

/** The first length of each symbol from 257 on, and the number of extra bits that are added. */
const LENGTHS = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
] as const;
const LENGTH_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
] as const;
const END_OF_BLOCK = 256;
/** The order of the lengths of the code-length code. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

const MAX_LITERALS = 286;
const MAX_DISTANCES = 30;
/** The bits looked up at once: few codes are longer. */
const LITERAL_ROOT = 10;
const DISTANCE_ROOT = 9;

/** Thrown by the parts of this file alone, to leave a block. */
class Fault {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Inflates a raw DEFLATE stream into `output`, and stops before it would hold too much. Sets of
 * codes are refused as zlib refuses them: over-subscribed ones, incomplete ones but for a single
 * code of one bit, and blocks without an end.
 * Source: RFC 1951; zlib 1.3, inflate.c and inftrees.c
 *
 * @param output  written from its beginning
 * @param start   the offset of the stream in `input`
 */
export function inflateInto(output: Uint8Array, input: Uint8Array, start = 0): Inflation {
  const work = new Inflater(output, input, start);
  try {
    const end = work.run();
    return { end, filled: work.filled, at: work.bits.at };
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    // Bits past the end read as 0, which may break a rule that the missing bits would not.
    const { filled, bits } = work;
    if (bits.isPastEnd) return { end: 'short', filled, at: input.length };
    return { end: 'damaged', filled, at: bits.at, fault: fault.text };
  }
}

/** The two codes of a block. */
interface BlockCodes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

const emptyCodes = (): BlockCodes => ({
  literals: emptyCode(LITERAL_ROOT, 288),
  distances: emptyCode(DISTANCE_ROOT, 32),
});

/** Makes the codes that need no description. Source: RFC 1951, 3.2.6 */
function makeFixedCodes(): BlockCodes {
  const codes = emptyCodes();
  const lengths = new Uint8Array(288 + 32);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288).fill(5, 288);
  fillCode(codes.literals, lengths, 0, 288);
  fillCode(codes.distances, lengths, 288, 320);
  return codes;
}

class Inflater {
  filled = 0;
  readonly bits: BitReader;
  readonly #output: Uint8Array;
  readonly #ownCodes = emptyCodes();
  /** The fixed codes, made for the first block that has them. */
  #fixedCodes: BlockCodes | undefined;
  readonly #lengthCode = emptyCode(7, 19);
  readonly #lengths = new Uint8Array(MAX_LITERALS + MAX_DISTANCES + 4);

  constructor(output: Uint8Array, input: Uint8Array, start: number) {
    this.#output = output;
    this.bits = new BitReader(input, start);
  }

  run(): 'ended' | 'full' | 'short' {
    const { bits } = this;
    for (;;) {
      const isLast = bits.take(1) === 1;
      const type = bits.take(2);
      if (bits.isPastEnd) return 'short';
      if (type === 3) throw new Fault('invalid block type');
      const end = type === 0 ? this.#copyStored() : this.#inflateBlock(this.#codesOf(type));
      if (end !== undefined) return end;
      if (!isLast) continue;
      bits.align();
      return 'ended';
    }
  }

  /** Copies a block that is not compressed. */
  #copyStored(): 'full' | 'short' | undefined {
    const { bits } = this;
    const { input } = bits;
    bits.align();
    const from = bits.at + 4;
    if (from > input.length) return 'short';
    const length = input[from - 4] | (input[from - 3] << 8);
    if ((length ^ (input[from - 2] | (input[from - 1] << 8))) !== 0xffff) {
      throw new Fault('invalid stored block lengths');
    }
    const room = this.#output.length - this.filled;
    const count = Math.min(length, input.length - from, room);
    this.#output.set(input.subarray(from, from + count), this.filled);
    this.filled += count;
    bits.at = from + count;
    if (count === length) return undefined;
    return count === room ? 'full' : 'short';
  }

  #codesOf(type: number): BlockCodes {
    if (type === 1) {
      this.#fixedCodes ??= makeFixedCodes();
      return this.#fixedCodes;
    }
    this.#readCodes(this.#ownCodes);
    return this.#ownCodes;
  }

  /** Reads the codes of a block. Source: RFC 1951, 3.2.7 */
  #readCodes(codes: BlockCodes): void {
    const { bits } = this;
    const lengths = this.#lengths;
    const literals = bits.take(5) + 257;
    const distances = bits.take(5) + 1;
    const given = bits.take(4) + 4;
    if (literals > MAX_LITERALS || distances > MAX_DISTANCES) {
      throw new Fault('too many length or distance symbols');
    }
    lengths.fill(0, 0, 19);
    for (let i = 0; i < given; i++) lengths[ORDER[i]] = bits.take(3);
    const spare = fillCode(this.#lengthCode, lengths, 0, 19);
    // Without any code zlib reads a length of 0 from each bit, and then misses the end of a block.
    if (isEmptySet(spare)) fillWithZeros(this.#lengthCode);
    else if (spare !== 0) throw new Fault('invalid code lengths set');
    const total = literals + distances;
    for (let i = 0; i < total; ) {
      const symbol = this.#lengthSymbol();
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new Fault('invalid bit length repeat');
      const value = symbol === 16 ? lengths[i - 1] : 0;
      const count =
        symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
      if (i + count > total) throw new Fault('invalid bit length repeat');
      lengths.fill(value, i, i + count);
      i += count;
    }
    if (lengths[END_OF_BLOCK] === 0) throw new Fault('invalid code -- missing end-of-block');
    const left = fillCode(codes.literals, lengths, 0, literals);
    checkSet('literal/lengths', codes.literals, left);
    checkSet('distances', codes.distances, fillCode(codes.distances, lengths, literals, total));
  }

  #lengthSymbol(): number {
    const { bits } = this;
    bits.fill();
    const entry = this.#lengthCode.root[bits.hold & 127];
    bits.drop(entry & 15);
    return entry >> 4;
  }

  /** Inflates up to the end of the block. The reader's fields are kept in variables meanwhile. */
  #inflateBlock({ literals, distances }: BlockCodes): 'full' | 'short' | undefined {
    const output = this.#output;
    const size = output.length;
    const { bits } = this;
    const { input } = bits;
    const inputEnd = input.length;
    const literalRoot = literals.root;
    const distanceRoot = distances.root;
    const literalMask = literalRoot.length - 1;
    const distanceMask = distanceRoot.length - 1;
    let { at, hold, count } = bits;
    let { filled } = this;
    let end: 'full' | 'short' | undefined;
    let fault: string | undefined;

    for (;;) {
      while (count < 24) {
        if (at < inputEnd) hold |= input[at] << count;
        at++;
        count += 8;
      }
      let entry = literalRoot[hold & literalMask];
      if (entry === 0) entry = longCode(literals, hold);
      const symbol = entry >> 4;
      hold >>>= entry & 15;
      count -= entry & 15;
      if (symbol < END_OF_BLOCK && entry !== 0) {
        if (at > inputEnd && (at - inputEnd) * 8 > count) {
          end = 'short';
          break;
        }
        if (filled === size) {
          end = 'full';
          break;
        }
        output[filled++] = symbol;
        continue;
      }
      if (symbol === END_OF_BLOCK) {
        if ((at - inputEnd) * 8 > count) end = 'short';
        break;
      }
      if (entry === 0 || symbol >= MAX_LITERALS) {
        fault = 'invalid literal/length code';
        break;
      }
      const lengthBits = LENGTH_BITS[symbol - 257];
      const length = LENGTHS[symbol - 257] + (hold & ((1 << lengthBits) - 1));
      hold >>>= lengthBits;
      count -= lengthBits;

      while (count < 24) {
        if (at < inputEnd) hold |= input[at] << count;
        at++;
        count += 8;
      }
      entry = distanceRoot[hold & distanceMask];
      if (entry === 0) entry = longCode(distances, hold);
      const code = entry >> 4;
      if (entry === 0 || code >= MAX_DISTANCES) {
        fault = 'invalid distance code';
        break;
      }
      hold >>>= entry & 15;
      count -= entry & 15;
      let distance = code + 1;
      if (code > 3) {
        while (count < 24) {
          if (at < inputEnd) hold |= input[at] << count;
          at++;
          count += 8;
        }
        const distanceBits = (code >> 1) - 1;
        distance = ((2 + (code & 1)) << distanceBits) + (hold & ((1 << distanceBits) - 1)) + 1;
        hold >>>= distanceBits;
        count -= distanceBits;
      }
      if (at > inputEnd && (at - inputEnd) * 8 > count) {
        end = 'short';
        break;
      }
      if (distance > filled) {
        fault = 'invalid distance too far back';
        break;
      }
      const stop = Math.min(filled + length, size);
      if (stop < filled + length) end = 'full';
      if (distance === 1 && length > 16) {
        output.fill(output[filled - 1], filled, stop);
        filled = stop;
      } else {
        for (let from = filled - distance; filled < stop; ) output[filled++] = output[from++];
      }
      if (end !== undefined) break;
    }
    bits.at = at;
    bits.hold = hold;
    bits.count = count;
    this.filled = filled;
    if (fault !== undefined) throw new Fault(fault);
    return end;
  }
}

/** Refuses a set of codes that zlib refuses. @param left  the codes left over */
function checkSet(name: string, { counts }: HuffmanCode, left: number): void {
  if (left === 0) return;
  const codes = counts.reduce((sum, count) => sum + count, 0);
  // zlib allows a code without symbols, and one symbol with a code of one bit.
  if (left > 0 && codes === counts[1]) return;
  throw new Fault(`invalid ${name} set`);
}
