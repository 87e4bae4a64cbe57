import { isUint8Array } from '../builtins/tags.ts';
import { expected } from '../errors.ts';
import { allocatePngBytes } from './allocate.ts';
import { findFirstFrame, isAnimation, type Place, type Run, SEQUENCE_BYTES } from './animation.ts';
import {
  type Chunk,
  checkChecksum,
  checkInside,
  checksumHolds,
  chunkAt,
  dataOf,
  looseChunkAt,
} from './chunks.ts';
import { PALETTE, type PngHeader, type PngLimits, readIhdr } from './header.ts';
import { CHUNK_OVERHEAD } from './layout.ts';
import { Notes } from './notes.ts';
import { readPalette, transparencyBreach } from './palette-rules.ts';
import { checkSignature, PNG_SIGNATURE } from './signature.ts';
import { MAX_KEYWORD_LENGTH, MAX_TEXT_LENGTH, TextCollector } from './text.ts';

/** The ancillary chunks that say how pixels are meant. */
export type MeaningType = (typeof MEANING_TYPES)[number];
const MEANING_TYPES = ['cICP', 'iCCP', 'sRGB', 'cHRM', 'gAMA', 'eXIf'] as const;
/** Length in bytes of the chunks whose length never varies. */
const LENGTHS: Readonly<Record<string, number>> = { cICP: 4, sRGB: 1, cHRM: 32, gAMA: 4 };

/** A chunk's data, and its name in messages. */
export interface ChunkData {
  readonly name: string;
  readonly data: Uint8Array;
}

/** The parts of a PNG file that `decodePng` uses, checked. Each array is a view or a copy. */
export interface ScannedPng {
  readonly header: PngHeader;
  /** The part of the picture that has pixels. The rest is transparent. */
  readonly place: Place;
  /** RGB triples. Every palette picture has them. */
  readonly palette: Uint8Array | undefined;
  /** The data of tRNS. */
  readonly transparency: Uint8Array | undefined;
  /**
   * The data of the first run of IDAT chunks, or of an animation's first frame, joined: one zlib
   * stream.
   */
  readonly compressed: Uint8Array;
  /** The name of the compressed data in messages: `IDAT at byte 41`. */
  readonly compressedName: string;
  /** The first later IDAT, after another chunk. Its data counts as bytes after the pixels. */
  readonly laterIdat: string | undefined;
  /** The chunks that say how pixels are meant, the first of each type that has its length. */
  readonly meaning: ReadonlyMap<MeaningType, ChunkData>;
  readonly text: ReadonlyMap<string, string>;
  readonly notes: Notes;
}

/** An upper-case first letter (bit 5 clear) marks the chunks a decoder must not ignore. */
const isCritical = (type: string): boolean => type[0] <= 'Z';

const isMeaning = (type: string): type is MeaningType =>
  (MEANING_TYPES as readonly string[]).includes(type);

/**
 * Walks the chunks of a PNG file once, in time linear in its length, before anything is inflated.
 *
 * Up to the pixels the critical chunks keep every rule, or the file is refused. An ancillary chunk
 * that breaks one is left out, as browsers do. After the pixels nothing is an error: not a missing
 * IEND, and not bytes that are no chunks. Chunks that no one needs are skipped unread.
 * Source: https://www.w3.org/TR/png-3/#5DataRep
 *
 * @throws TaesdError FORMAT, TRUNCATED, INTEGRITY, UNSUPPORTED, LIMIT, OOM; the message names the
 *   chunk
 */
export function scanPng(bytes: Uint8Array, limits: PngLimits): ScannedPng {
  checkSignature(bytes);
  const scanner = new Scanner(bytes, limits);
  let at = scanner.readPreamble();
  at = scanner.readPixels(at);
  scanner.readRest(at);
  return scanner.result();
}

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #limits: PngLimits;
  readonly #notes = new Notes();
  readonly #texts = new TextCollector();
  readonly #meaning = new Map<MeaningType, ChunkData>();
  #header!: PngHeader;
  #hasPalette = false;
  #palette: Uint8Array | undefined;
  #transparency: Uint8Array | undefined;
  #idat: Run = { start: 0, end: 0, bytes: 0 };
  #laterIdat: string | undefined;
  /** Animated, with a still picture that is no frame. */
  #isAnimated = false;
  #hasFrame = false;

  constructor(bytes: Uint8Array, limits: PngLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  result(): ScannedPng {
    const { place, run, type, skipped } = this.#shown();
    return {
      header: this.#header,
      place,
      palette: this.#palette,
      transparency: this.#transparency,
      compressed: joinData(this.#bytes, run, type, skipped),
      compressedName: `${type} at byte ${run.start}`,
      laterIdat: skipped === 0 ? this.#laterIdat : undefined,
      meaning: this.#meaning,
      text: this.#texts.texts,
      notes: this.#notes,
    };
  }

  /** Returns the chunks of the pixels to show, and their place. */
  #shown() {
    const run = this.#idat;
    if (this.#isAnimated && !this.#hasFrame) {
      const frame = findFirstFrame(this.#bytes, run.end, this.#header);
      if (typeof frame === 'object') return { ...frame, type: 'fdAT', skipped: SEQUENCE_BYTES };
      this.#notes.add(`the still picture is read: ${frame}`);
    }
    return { place: { ...this.#header, x: 0, y: 0 }, run, type: 'IDAT', skipped: 0 };
  }

  /** Reads the chunks before the pixels. Returns the offset of the first IDAT. */
  readPreamble(): number {
    const bytes = this.#bytes;
    const first = chunkAt(bytes, PNG_SIGNATURE.length);
    checkFirst(first);
    checkInside(first, bytes.length);
    checkChecksum(bytes, first);
    this.#header = readIhdr(first.name, dataOf(bytes, first), this.#limits);

    for (let at = first.end; ; ) {
      const chunk = chunkAt(bytes, at);
      const { type, name } = chunk;
      if (type === 'IDAT') {
        if (this.#header.colourType !== PALETTE || this.#palette !== undefined) return at;
        checkInside(chunk, bytes.length);
        throw expected('FORMAT', name, 'PLTE before it, since colours are indices', 'none');
      }
      checkInside(chunk, bytes.length);
      at = chunk.end;
      if (!isCritical(type)) {
        this.#readAncillary(chunk);
        continue;
      }
      checkChecksum(bytes, chunk);
      if (type === 'IHDR') throw expected('FORMAT', name, 'one IHDR', 'a second');
      if (type === 'PLTE') this.#readPalette(chunk);
      else if (type === 'IEND') throw expected('FORMAT', name, 'IDAT before it', 'none');
      else {
        const hint = 'a decoder must not ignore this chunk';
        throw expected('UNSUPPORTED', name, 'IHDR, PLTE, IDAT or IEND', type, { hint });
      }
    }
  }

  /** Checks the run of IDAT chunks at `start`. Returns the offset after it. */
  readPixels(start: number): number {
    const bytes = this.#bytes;
    let [end, total] = [start, 0];
    while (end + 8 <= bytes.length) {
      const chunk = looseChunkAt(bytes, end);
      if (chunk.type !== 'IDAT') break;
      checkInside(chunk, bytes.length);
      checkChecksum(bytes, chunk);
      end = chunk.end;
      total += chunk.length;
    }
    this.#idat = { start, end, bytes: total };
    return end;
  }

  /** Reads the texts after the pixels, up to IEND or to the first bytes that are no chunk. */
  readRest(start: number): void {
    const bytes = this.#bytes;
    for (let at = start; at + 8 <= bytes.length; ) {
      const chunk = looseChunkAt(bytes, at);
      const { type, name, end } = chunk;
      if (end > bytes.length) break;
      at = end;
      if (type === 'IEND') return;
      if (type === 'IDAT') this.#laterIdat ??= name;
      if (type === 'tEXt') this.#readText(chunk);
      if (type === 'tRNS' || isMeaning(type)) {
        this.#notes.leftOut(name, 'a place before IDAT', 'one after it');
      }
    }
    this.#notes.add('there is no IEND after the pixels: the end of the file may be missing');
  }

  #readPalette(chunk: Chunk): void {
    const { name } = chunk;
    const palette = readPalette(name, this.#header, dataOf(this.#bytes, chunk));
    if (!isUint8Array(palette)) {
      this.#notes.leftOut(name, palette.rule, palette.got);
      return;
    }
    if (this.#hasPalette) throw expected('FORMAT', name, 'one PLTE', 'a second');
    this.#hasPalette = true;
    this.#palette = palette;
    const entries = chunk.length / 3;
    if (palette.length < chunk.length) {
      const rule = `1 to ${palette.length / 3} entries`;
      this.#notes.add(`${name} is cut: expected ${rule}, got ${entries}`);
    }
  }

  #readAncillary(chunk: Chunk): void {
    const { type, name } = chunk;
    if (type === 'tEXt') this.#readText(chunk);
    else if (type === 'tRNS') this.#readTransparency(chunk);
    else if (type === 'fcTL') this.#hasFrame = true;
    else if (type === 'acTL') {
      // One that breaks a rule is left out, and the picture does not move.
      if (this.#isSound(chunk)) this.#isAnimated ||= isAnimation(dataOf(this.#bytes, chunk));
    } else if (isMeaning(type)) {
      if (!this.#isSound(chunk)) return;
      const length = LENGTHS[type] ?? chunk.length;
      if (chunk.length !== length) {
        this.#notes.leftOut(name, `${length} byte${length === 1 ? '' : 's'}`, `${chunk.length}`);
      } else if (this.#meaning.has(type)) this.#notes.leftOut(name, `one ${type}`, 'a second');
      else if (this.#hasPalette && type !== 'eXIf') {
        this.#notes.leftOut(name, 'a place before PLTE', 'one after it');
      } else this.#meaning.set(type, { name, data: dataOf(this.#bytes, chunk) });
    }
  }

  #readText(chunk: Chunk): void {
    if (chunk.length > MAX_KEYWORD_LENGTH + 1 + MAX_TEXT_LENGTH) return;
    if (checksumHolds(this.#bytes, chunk)) this.#texts.add(dataOf(this.#bytes, chunk));
  }

  #readTransparency(chunk: Chunk): void {
    if (!this.#isSound(chunk)) return;
    const { name } = chunk;
    const data = dataOf(this.#bytes, chunk);
    const breach =
      this.#transparency === undefined
        ? transparencyBreach(this.#header, data, this.#palette)
        : { rule: 'one tRNS', got: 'a second' };
    if (breach === undefined) this.#transparency = data;
    else this.#notes.leftOut(name, breach.rule, breach.got);
  }

  /** Returns whether the checksum of an ancillary chunk matches, and notes it if not. */
  #isSound(chunk: Chunk): boolean {
    if (checksumHolds(this.#bytes, chunk)) return true;
    this.#notes.leftOut(chunk.name, 'the CRC-32 of its data', 'another');
    return false;
  }
}

/** Checks that the first chunk is IHDR, of 13 bytes. */
function checkFirst({ type, name, length }: Chunk): void {
  if (type === 'CgBI') {
    const hint = 'optimised for iOS by Xcode; "pngcrush -revert-iphone-optimizations" restores it';
    throw expected('UNSUPPORTED', name, 'IHDR first', type, { hint });
  }
  if (type !== 'IHDR') throw expected('FORMAT', name, 'IHDR first', type);
  if (length !== 13) throw expected('FORMAT', name, '13 bytes', `${length}`);
}

/**
 * Joins the data of the run's chunks of a type; a single chunk is not copied.
 *
 * @param skipped  bytes at the start of each chunk's data that are left out
 */
function joinData(
  bytes: Uint8Array,
  { start, end, bytes: total }: Run,
  type: string,
  skipped: number,
): Uint8Array {
  if (end - start === total + skipped + CHUNK_OVERHEAD) {
    return bytes.subarray(start + 8 + skipped, end - 4);
  }
  const joined = allocatePngBytes(type, total);
  for (let at = start, filled = 0; at < end; ) {
    const chunk = looseChunkAt(bytes, at);
    at = chunk.end;
    if (chunk.type !== type) continue;
    const data = dataOf(bytes, chunk).subarray(skipped);
    joined.set(data, filled);
    filled += data.length;
  }
  return joined;
}
