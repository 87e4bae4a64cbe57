import type { Random } from './random.ts';

/*
 * Changes of bytes that know no format.
 */

const INTERESTING = [
  ...[0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 254, 255, 256, 257, 512],
  ...[1000, 1024, 4095, 4096, 32767, 32768, 65534, 65535, 65536, 2 ** 20, 2 ** 22, 2 ** 24],
  ...[2 ** 26, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48, 2 ** 53 - 1, 2 ** 53, 2 ** 63],
];

/** Returns a number that readers may stumble over. */
export const oddNumber = (random: Random): number => {
  if (random.oneIn(3)) return random.small(2 ** 32);
  const one = random.pick(INTERESTING);
  return random.oneIn(8) ? one + random.pick([-1, 1]) : one;
};

/** Returns a field of `width` bytes. */
export function field(value: number, width: number, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let i = 0, rest = Math.abs(value); i < width; i++, rest = Math.floor(rest / 256)) {
    bytes[isLittle ? i : width - 1 - i] = rest % 256;
  }
  return bytes;
}

/** Replaces `count` bytes from `at` on. */
export function spliced(
  bytes: Uint8Array,
  at: number,
  count: number,
  added: Uint8Array,
): Uint8Array {
  const end = Math.min(bytes.length, at + count);
  const result = new Uint8Array(at + added.length + bytes.length - end);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(bytes.subarray(end), at + added.length);
  return result;
}

/** The other things that an input is changed with. */
export interface HavocOptions {
  readonly other?: Uint8Array;
  readonly words?: readonly Uint8Array[];
  /** The maximum number of changes. Defaults to 6. */
  readonly changes?: number;
}

/** Returns a changed copy: one to a few small changes. */
export function havoc(random: Random, input: Uint8Array, options: HavocOptions = {}): Uint8Array {
  let bytes: Uint8Array = input.slice();
  for (let n = random.small(options.changes ?? 6); n >= 0; n--)
    bytes = change(random, bytes, options);
  return bytes;
}

function change(random: Random, bytes: Uint8Array, options: HavocOptions): Uint8Array {
  const { other = bytes, words = [] } = options;
  const { length } = bytes;
  if (length === 0) return random.bytes(random.below(16));
  const at = random.below(length);
  const reach = 1 + random.small(Math.min(length, 256));
  const width = random.pick([1, 2, 4, 8]);
  switch (random.below(14)) {
    case 0:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
    case 2:
      bytes[at] = random.below(256);
      return bytes;
    case 3:
      bytes[at] += random.pick([1, -1, random.below(35), -random.below(35)]);
      return bytes;
    case 4:
    case 5: {
      const value = field(oddNumber(random), width, random.oneIn(2));
      bytes.set(value.subarray(0, length - at), at);
      return bytes;
    }
    case 6:
      return spliced(bytes, at, reach, new Uint8Array(0));
    case 7:
      return spliced(bytes, at, 0, bytes.subarray(at, at + reach));
    case 8:
      return spliced(bytes, at, 0, random.bytes(random.small(32)));
    case 9: {
      const from = random.below(length);
      bytes.copyWithin(at, from, from + reach);
      return bytes;
    }
    case 10: {
      const from = random.below(other.length);
      return spliced(bytes, at, random.oneIn(2) ? reach : 0, other.subarray(from, from + reach));
    }
    case 11:
      return random.oneIn(4) ? bytes.subarray(0, at) : bytes;
    case 12:
    case 13: {
      if (words.length === 0) return bytes;
      const word = random.pick(words);
      return spliced(bytes, at, random.oneIn(2) ? word.length : 0, word);
    }
    default:
      return bytes;
  }
}

/** Yields bytes without a part, from halves to single bytes, then with zeros in place of parts. */
export function* smallerBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let part = bytes.length >> 1; part >= 1; part >>= 1) {
    for (let at = bytes.length - part; at >= 0; at -= part) {
      yield spliced(bytes, at, part, new Uint8Array(0));
    }
  }
}
