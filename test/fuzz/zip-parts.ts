import { inflateRawSync } from 'node:zlib';
import { type Ending, type Part, type Patch, zip } from '../zip/build-zip.ts';
import { oddNumber, spliced } from './havoc.ts';
import type { Random } from './random.ts';

/*
 * Zip archives as lists of files, taken apart without any check, changed and put together.
 */

const u16 = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8);
const u32 = (bytes: Uint8Array, at: number): number =>
  (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;

/** Returns the files that the central directory lists; undefined if there is none. */
export function partsOf(bytes: Uint8Array): Part[] | undefined {
  let end = bytes.length - 22;
  while (end >= 0 && u32(bytes, end) !== 0x06054b50) end--;
  if (end < 0) return undefined;
  const parts: Part[] = [];
  for (let at = u32(bytes, end + 16); at + 46 <= end && u32(bytes, at) === 0x02014b50; ) {
    const [nameLength, extraLength] = [u16(bytes, at + 28), u16(bytes, at + 30)];
    const name = bytes.slice(at + 46, at + 46 + nameLength);
    const local = u32(bytes, at + 42);
    const start = local + 30 + u16(bytes, local + 26) + u16(bytes, local + 28);
    const packed = bytes.slice(start, start + u32(bytes, at + 20));
    const deflated = u16(bytes, at + 10) === 8;
    const localExtra = bytes.slice(start - u16(bytes, local + 28), start);
    const hasZip64 = localExtra[0] === 1;
    const late = (u16(bytes, at + 8) & 8) !== 0 ? { descriptor: 'signed' as const } : {};
    const extra = hasZip64 || localExtra.length === 0 ? {} : { localExtra };
    parts.push({ name, content: contentOf(packed, deflated), deflated, ...late, ...extra });
    at += 46 + nameLength + extraLength + u16(bytes, at + 32);
  }
  return parts.length > 0 ? parts : undefined;
}

function contentOf(packed: Uint8Array, deflated: boolean): Uint8Array {
  if (!deflated) return packed;
  try {
    return new Uint8Array(inflateRawSync(packed, { maxOutputLength: 2 ** 20 }));
  } catch {
    return packed;
  }
}

/** Returns the content of the first file whose name ends so, and its number. */
export function partEnding(parts: readonly Part[], ending: string): number {
  return parts.findIndex(({ name }) => Buffer.from(name).toString('latin1').endsWith(ending));
}

const patch = (random: Random, fields: readonly (readonly [number, 2 | 4 | 8])[]): Patch => {
  const [offset, width] = random.pick(fields);
  return [offset, width, random.oneIn(2) ? random.small(300) : Math.abs(oddNumber(random))];
};

const LOCAL = [
  ...[4, 6, 8, 26, 28].map((at) => [at, 2] as const),
  [14, 4],
  [18, 4],
  [22, 4],
] as const;
const CENTRAL = [
  ...[6, 8, 10, 28, 30, 32, 34].map((at) => [at, 2] as const),
  ...[16, 20, 24, 42].map((at) => [at, 4] as const),
] as const;
const END = [...[4, 6, 8, 10, 20].map((at) => [at, 2] as const), [12, 4], [16, 4]] as const;
const ZIP64_END = [
  [4, 8],
  [16, 4],
  [20, 4],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 8],
] as const;
const LOCATOR = [
  [4, 4],
  [8, 8],
  [16, 4],
] as const;
const DESCRIPTORS = ['short', 'signed', 'wide', 'signed wide'] as const;

/** Changes one thing of an archive that is not a file's content. */
export function changeParts(random: Random, parts: Part[], others: readonly Part[]): void {
  const at = random.below(parts.length);
  const one = parts[at];
  switch (random.below(12)) {
    case 0:
      if (parts.length > 1) parts.splice(at, 1);
      return;
    case 1:
      parts.splice(random.below(parts.length), 0, one);
      return;
    case 2:
      parts.splice(at, random.below(2), random.pick(others));
      return;
    case 3:
      parts[at] = { ...one, deflated: !one.deflated };
      return;
    case 4:
      parts[at] = { ...one, descriptor: random.pick(DESCRIPTORS) };
      return;
    case 5:
      parts[at] = { ...one, local: [patch(random, LOCAL)] };
      return;
    case 6:
      parts[at] = { ...one, central: [patch(random, CENTRAL)] };
      return;
    case 7:
      parts[at] = { ...one, size: random.oneIn(2) ? oddNumber(random) : random.small(5000) };
      return;
    case 8: {
      const name = Buffer.from(one.name);
      const piece = random.bytes(random.small(5));
      const changed = random.oneIn(4)
        ? spliced(name, random.below(name.length + 1), 1, piece)
        : random.pick(parts).name;
      parts[at] = { ...one, name: changed };
      return;
    }
    case 9: {
      const extra = random.oneIn(2)
        ? random.bytes(random.small(24))
        : Uint8Array.of(1, 0, 8, 0, ...random.bytes(8));
      parts[at] = random.oneIn(2) ? { ...one, localExtra: extra } : { ...one, centralExtra: extra };
      return;
    }
    case 10:
      parts[at] = { ...one, packed: random.bytes(random.small(100)) };
      return;
    default:
      parts[at] = { ...one, after: random.bytes(random.small(20)) };
  }
}

/** Puts an archive together; its end records are seldom changed. */
export function archiveOf(random: Random, parts: readonly Part[]): Uint8Array {
  const ending: Ending = {
    zip64: random.oneIn(8),
    ...(random.oneIn(30) ? { end: [patch(random, END)] } : {}),
    ...(random.oneIn(30) ? { zip64End: [patch(random, ZIP64_END)] } : {}),
    ...(random.oneIn(30) ? { locator: [patch(random, LOCATOR)] } : {}),
    ...(random.oneIn(30) ? { comment: random.bytes(random.small(30)) } : {}),
  };
  return zip(parts, ending);
}

/** Yields archives without some files, then with shorter files. */
export function* smallerZip(input: Uint8Array): Generator<Uint8Array> {
  const parts = partsOf(input) ?? [];
  for (const i of parts.keys()) if (parts.length > 1) yield zip(parts.toSpliced(i, 1));
  for (const [i, one] of parts.entries()) {
    const { content = new Uint8Array(0) } = one;
    for (let length = content.length >> 1; length >= 1; length >>= 1) {
      for (let at = 0; at + length <= content.length; at += length) {
        yield zip(
          parts.with(i, { ...one, content: spliced(content, at, length, new Uint8Array(0)) }),
        );
      }
    }
  }
  for (let length = input.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at + length <= input.length; at += length) {
      yield spliced(input, at, length, new Uint8Array(0));
    }
  }
}
