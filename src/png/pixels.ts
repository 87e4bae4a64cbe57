import { type ColourSpace, Converter } from '../colour/index.ts';
import { GREY, GREY_ALPHA, PALETTE, type PngHeader, RGB_ALPHA } from './header.ts';
import type { ScannedPng } from './scan.ts';

/**
 * Writes rows of samples into a picture as RGBA. Everything that depends on the picture alone is in
 * tables, which are made once: levels, palette, transparency and the conversion of colours. A row
 * makes no object, since a picture can have a row for every pixel.
 */
export class RowPlacer {
  /** The picture, u8 [height][width][4]. */
  readonly #bytes: Uint8Array;
  /** The picture, one number a pixel. */
  readonly #pixels: Uint32Array;
  readonly #header: PngHeader;
  /** The pixel of each sample, for grey and palettes. */
  readonly #words: Uint32Array | undefined;
  readonly #entries: number;
  readonly #converter: Converter;
  /** The samples of the one transparent colour. No sample equals −1. */
  readonly #transparent: readonly number[];
  #width = 0;
  #step = 1;
  /** The largest index past the palette that was found, or −1. */
  largestIndex = -1;

  /**
   * @param space   the space of the picture's colours; undefined leaves them as they are
   * @param output  u8 [height][width][4] at a multiple of 4 bytes, written by `place`
   */
  constructor(scanned: ScannedPng, space: ColourSpace | undefined, output: Uint8Array) {
    const { header, palette, transparency } = scanned;
    const { colourType, depth } = header;
    const maxSample = 2 ** depth - 1;
    this.#header = header;
    this.#bytes = output;
    this.#pixels = new Uint32Array(output.buffer, output.byteOffset, output.length / 4);
    this.#entries = colourType === PALETTE && palette ? palette.length / 3 : maxSample + 1;
    // Below depth 16, only the low bits of tRNS count: https://www.w3.org/TR/png-3/#11tRNS
    this.#transparent = [0, 2, 4].map((at) =>
      transparency === undefined || colourType === PALETTE
        ? -1
        : (transparency[at] * 256 + transparency[at + 1]) & maxSample,
    );
    this.#converter = new Converter(colourType === PALETTE ? 8 : depth, space);
    if (colourType === PALETTE) this.#words = this.#paletteWords(palette, transparency);
    else if (colourType === GREY) this.#words = this.#greyWords();
  }

  /** Begins a pass. @param width  pixels of its rows  @param step  pixels from one to the next */
  beginPass(width: number, step: number): void {
    this.#width = width;
    this.#step = step;
  }

  /**
   * Writes one row.
   *
   * @param lines  unfiltered rows
   * @param at     the offset of the row's first byte
   * @param to     the number of the picture's pixel that the row's first pixel is
   */
  place(lines: Uint8Array, at: number, to: number): void {
    const { depth, colourType } = this.#header;
    if (this.#words !== undefined) {
      if (depth === 8) this.#placeBytes(lines, at, to, this.#words);
      else if (depth === 16) this.#placePairs(lines, at, to, this.#words);
      else this.#placeBits(lines, at, to, this.#words);
    } else if (colourType === GREY_ALPHA) this.#placeGreyAlpha(lines, at, to * 4);
    else this.#placeColours(lines, at, to * 4);
  }

  /** Places samples of less than 8 bits, the leftmost in the high bits. */
  #placeBits(lines: Uint8Array, at: number, to: number, words: Uint32Array): void {
    const { depth } = this.#header;
    const pixels = this.#pixels;
    const step = this.#step;
    const entries = this.#entries;
    const mask = 2 ** depth - 1;
    const end = to + this.#width * step;
    let shift = 8;
    for (let pixel = to; pixel < end; pixel += step) {
      shift -= depth;
      const sample = (lines[at] >> shift) & mask;
      if (sample >= entries) this.largestIndex = Math.max(this.largestIndex, sample);
      pixels[pixel] = words[sample];
      if (shift !== 0) continue;
      shift = 8;
      at++;
    }
  }

  #placeBytes(lines: Uint8Array, at: number, to: number, words: Uint32Array): void {
    const pixels = this.#pixels;
    const step = this.#step;
    const entries = this.#entries;
    const end = to + this.#width * step;
    for (let pixel = to; pixel < end; pixel += step) {
      const sample = lines[at++];
      if (sample >= entries) this.largestIndex = Math.max(this.largestIndex, sample);
      pixels[pixel] = words[sample];
    }
  }

  #placePairs(lines: Uint8Array, at: number, to: number, words: Uint32Array): void {
    const pixels = this.#pixels;
    const step = this.#step;
    const end = to + this.#width * step;
    for (let pixel = to; pixel < end; pixel += step, at += 2) {
      pixels[pixel] = words[(lines[at] << 8) | lines[at + 1]];
    }
  }

  #placeGreyAlpha(lines: Uint8Array, at: number, to: number): void {
    const bytes = this.#bytes;
    const step = this.#step * 4;
    const [levels] = this.#converter.levels;
    const isWide = this.#header.depth === 16;
    const end = to + this.#width * step;
    for (let i = to; i < end; i += step) {
      const sample = isWide ? (lines[at] << 8) | lines[at + 1] : lines[at];
      const level = levels[sample];
      bytes[i] = level;
      bytes[i + 1] = level;
      bytes[i + 2] = level;
      bytes[i + 3] = isWide ? narrowed((lines[at + 2] << 8) | lines[at + 3]) : lines[at + 1];
      at += isWide ? 4 : 2;
    }
  }

  #placeColours(lines: Uint8Array, at: number, to: number): void {
    const bytes = this.#bytes;
    const { depth, colourType } = this.#header;
    const step = this.#step * 4;
    const isWide = depth === 16;
    const hasAlpha = colourType === RGB_ALPHA;
    const converter = this.#converter;
    const [redLevels, greenLevels, blueLevels] = converter.levels;
    const isMixed = converter.matrix !== undefined;
    const [red, green, blue] = this.#transparent;
    const end = to + this.#width * step;
    for (let i = to; i < end; i += step) {
      let r = lines[at++];
      if (isWide) r = (r << 8) | lines[at++];
      let g = lines[at++];
      if (isWide) g = (g << 8) | lines[at++];
      let b = lines[at++];
      if (isWide) b = (b << 8) | lines[at++];
      if (isMixed) converter.write(bytes, i, r, g, b);
      else {
        // By a call, decoding an RGB picture would take 40 % longer.
        bytes[i] = redLevels[r];
        bytes[i + 1] = greenLevels[g];
        bytes[i + 2] = blueLevels[b];
      }
      if (!hasAlpha) bytes[i + 3] = r === red && g === green && b === blue ? 0 : 255;
      else if (isWide) {
        bytes[i + 3] = narrowed((lines[at] << 8) | lines[at + 1]);
        at += 2;
      } else bytes[i + 3] = lines[at++];
    }
  }

  /** Returns the pixel of each index. An index past the palette is opaque black, as in Firefox. */
  #paletteWords(
    palette: Uint8Array = new Uint8Array(0),
    alphas: Uint8Array = new Uint8Array(0),
  ): Uint32Array {
    const rgba = new Uint8Array(256 * 4);
    for (let entry = 0; entry < 256; entry++) {
      const [r, g, b] = palette.subarray(entry * 3, entry * 3 + 3);
      if (entry < this.#entries) this.#converter.write(rgba, entry * 4, r, g, b);
      rgba[entry * 4 + 3] = alphas[entry] ?? 255;
    }
    return new Uint32Array(rgba.buffer);
  }

  #greyWords(): Uint32Array {
    const [levels] = this.#converter.levels;
    const [transparent] = this.#transparent;
    const rgba = new Uint8Array(this.#entries * 4);
    for (let sample = 0; sample < this.#entries; sample++) {
      rgba.fill(levels[sample], sample * 4, sample * 4 + 3);
      rgba[sample * 4 + 3] = sample === transparent ? 0 : 255;
    }
    return new Uint32Array(rgba.buffer);
  }
}

/** The nearest of 256 levels of a sample of 16 bits. No sample lies halfway between two. */
const narrowed = (sample: number): number => ((sample * 255 + 32767) / 65535) | 0;
