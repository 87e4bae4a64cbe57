import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { decodePng } from '../../../src/png/index.ts';
import { withAnimation } from '../../png/animated.ts';
import { buildPng, KINDS, randomPicture } from '../../png/build-png.ts';
import { withAncillary, withBrokenStructure } from '../../png/generated.ts';
import { ownDecode } from '../../png/own-decoder.ts';
import { outcomeOf, refusal } from '../outcome.ts';
import { chunksOf, fileOf, mutatePng, smallerPng } from '../png-parts.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';

/** The limit of pixels under which an input may use 1 s and 300 MB. */
export const MAX_PIXELS = 2 ** 22;
/** The tests' own decoder works on lists of numbers. */
const OWN_PIXELS = 600;
/** One input in so many is decoded by it too. */
const OWN_SHARE = 32;

export const pngSeeds = (): Uint8Array[] => [
  ...KINDS.flatMap(([colourType, depth]) =>
    [0, 1].map((interlace) =>
      buildPng(randomPicture(colourType, depth, 9, 7, { interlace, transparent: true })),
    ),
  ),
  ...[...withAncillary(false), ...withBrokenStructure(), ...withAnimation()]
    .filter((_, i) => i % 7 === 0)
    .map(({ png: bytes }) => bytes),
];

export function somePng(random: Random): Uint8Array {
  const [colourType, depth] = random.pick(KINDS);
  const [width, height] = [1 + random.small(20), 1 + random.small(20)];
  const options = { interlace: random.below(2), transparent: random.oneIn(2) };
  return buildPng(randomPicture(colourType, depth, width, height, options));
}

const KNOWN = buildPng(randomPicture(6, 8, 12, 5));
const sumOf = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
let known: string | undefined;

/** PNG files to pixels. A sample is compared with the tests' own decoder. */
export const png: Target = {
  name: 'png',
  batch: 512,
  seeds: pngSeeds,
  generate: somePng,
  mutate: mutatePng,
  smaller: smallerPng,
  run(input) {
    const at = input.length - 5;
    const isRaw = (input[at] & 3) === 0;
    const outcome = outcomeOf(() => {
      const options = { maxPixels: MAX_PIXELS, colour: isRaw ? 'raw' : 'srgb' } as const;
      const { width, height, data, notes, text } = decodePng(input, options);
      if (data.length !== 4 * width * height) throw new WrongResult(`${data.length} bytes`);
      if (notes.length > 17 || text.size > 256) throw new WrongResult('too many texts');
      return notes.length > 0 ? `with ${Math.min(notes.length, 3)} notes` : '';
    });
    if (input.length < 4000 && (input[at] ^ input.length) % OWN_SHARE === 0) compare(input);
    return outcome;
  },
  check() {
    const now = sumOf(decodePng(KNOWN).data);
    known ??= now;
    if (now !== known) throw new WrongResult('a known file gives other pixels');
  },
};

/**
 * Compares the pixels with those of the tests' own decoder, which knows eXIf of one form alone, and
 * does not check profiles as strictly: files with either are compared without.
 */
function compare(file: Uint8Array): void {
  const chunks = chunksOf(file);
  const hasExif = chunks?.some(({ type }) => type === 'eXIf') === true;
  const input = hasExif ? fileOf(chunks.filter(({ type }) => type !== 'eXIf')) : file;
  let decoded: ReturnType<typeof decodePng>;
  try {
    decoded = decodePng(input, { maxPixels: OWN_PIXELS });
  } catch (error) {
    refusal(error);
    return;
  }
  if (decoded.notes.length > 0) return;
  const own = ownPicture(input);
  if (own === 'unknown') return;
  if (own === undefined) {
    // A stream may go on past the pixels and be damaged there, which zlib does not let pass.
    if (!isInflated(input)) return;
    throw new WrongResult('a file that must be refused was decoded');
  }
  const { width, height, data } = decoded;
  if (width !== own.width || height !== own.height) throw new WrongResult('another size');
  const tolerance = own.isConverted ? 1 : 0;
  const at = data.findIndex(
    (value, i) => Math.abs(value - own.data[i]) > (i % 4 === 3 ? 0 : tolerance),
  );
  if (at >= 0) throw new WrongResult(`byte ${at} is ${data[at]}, expected ${own.data[at]}`);
}

/** Returns `unknown` for files that the own decoder reads past the end of. */
function ownPicture(input: Uint8Array): ReturnType<typeof ownDecode> | 'unknown' {
  try {
    return ownDecode(input);
  } catch (error) {
    if (error instanceof RangeError) return 'unknown';
    throw error;
  }
}

/** Returns true if zlib inflates all streams of pixels to their ends: the picture's, a frame's. */
function isInflated(input: Uint8Array): boolean {
  const chunks = chunksOf(input) ?? [];
  const streamOf = (name: string, from: number): Uint8Array[] =>
    chunks.flatMap(({ type, data }) => (type === name ? [data.subarray(from)] : []));
  const streams = [streamOf('IDAT', 0), streamOf('fdAT', 4)].filter(({ length }) => length > 0);
  try {
    return streams.every((pieces) => inflateSync(Buffer.concat(pieces)).length > 0);
  } catch {
    return false;
  }
}
