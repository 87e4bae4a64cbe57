import { expected } from '../errors.ts';
import { GREY, GREY_ALPHA, PALETTE, type PngHeader, RGB } from './header.ts';
import type { Pass } from './passes.ts';
import type { ScannedPng } from './scan.ts';

/** The tables that turn samples into colours. They are made once a picture. */
export interface ColourMap {
  readonly header: PngHeader;
  /** The 8-bit level of each sample value: round(v·255 / (2^depth − 1)). */
  readonly levels: Uint8Array;
  /** RGBA of each palette entry; empty without a palette. */
  readonly palette: Uint8Array;
  /** The samples of the one transparent colour, at the picture's depth. No sample equals −1. */
  readonly transparent: readonly [number, number, number];
}

/** The memory that `placeRow` works on. */
export interface PixelBuffers {
  /** u8 [height][width][4] of the whole picture. */
  readonly output: Uint8Array;
  /** Room for one row's samples below depth 8: the width of the widest pass. */
  readonly scratch: Uint8Array;
}

const NO_COLOUR = [-1, -1, -1] as const;

/** Makes the tables for a picture. */
export function colourMap({ header, palette, transparency }: ScannedPng): ColourMap {
  const { colourType, depth } = header;
  const maxSample = 2 ** depth - 1;
  // No value lies halfway between two levels, so the way of rounding does not matter.
  const levels = Uint8Array.from({ length: maxSample + 1 }, (_, v) =>
    Math.round((v * 255) / maxSample),
  );
  if (colourType === PALETTE) {
    return { header, levels, palette: paletteRgba(palette, transparency), transparent: NO_COLOUR };
  }
  // Below depth 16, only the low bits of tRNS count: https://www.w3.org/TR/png-3/#11tRNS
  const sample = (i: number): number =>
    transparency === undefined
      ? -1
      : (transparency[2 * i] * 256 + transparency[2 * i + 1]) & maxSample;
  const transparent = [sample(0), sample(1), sample(2)] as const;
  return { header, levels, palette: new Uint8Array(0), transparent };
}

/** Joins the palette and its alphas. Entries without an alpha of their own are opaque. */
function paletteRgba(
  palette: Uint8Array = new Uint8Array(0),
  alphas: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const rgba = new Uint8Array((palette.length / 3) * 4);
  for (let entry = 0; entry < rgba.length / 4; entry++) {
    rgba.set(palette.subarray(entry * 3, entry * 3 + 3), entry * 4);
    rgba[entry * 4 + 3] = alphas[entry] ?? 255;
  }
  return rgba;
}

/**
 * Writes one row of a pass into the picture, as RGBA.
 *
 * @param y        the row's number within the pass
 * @param row      the row's samples as `UnfilteredRows` describes them
 * @param buffers  `output` and `scratch` are written
 * @throws TaesdError FORMAT (an index past the end of the palette)
 */
export function placeRow(
  map: ColourMap,
  pass: Pass,
  y: number,
  row: Uint8Array | Uint16Array,
  { output, scratch }: PixelBuffers,
): void {
  const { header, levels, palette, transparent } = map;
  const samples = header.depth < 8 ? unpack(row, header.depth, pass.width, scratch) : row;
  const [red, green, blue] = transparent;
  const firstPixel = (pass.firstY + y * pass.stepY) * header.width + pass.firstX;
  const step = pass.stepX * 4;

  for (let x = 0, i = 0, to = firstPixel * 4; x < pass.width; x++, to += step) {
    const first = samples[i++];
    if (header.colourType === PALETTE) {
      const from = first * 4;
      if (from >= palette.length) throw badIndex(map, pass, x, y, first);
      output[to] = palette[from];
      output[to + 1] = palette[from + 1];
      output[to + 2] = palette[from + 2];
      output[to + 3] = palette[from + 3];
    } else if (header.colourType === GREY || header.colourType === GREY_ALPHA) {
      const level = levels[first];
      output[to] = level;
      output[to + 1] = level;
      output[to + 2] = level;
      if (header.colourType === GREY_ALPHA) output[to + 3] = levels[samples[i++]];
      else output[to + 3] = first === red ? 0 : 255;
    } else {
      const second = samples[i++];
      const third = samples[i++];
      output[to] = levels[first];
      output[to + 1] = levels[second];
      output[to + 2] = levels[third];
      if (header.colourType !== RGB) output[to + 3] = levels[samples[i++]];
      else output[to + 3] = first === red && second === green && third === blue ? 0 : 255;
    }
  }
}

/** Unpacks bytes of several samples, the leftmost in the high bits. @param samples  written */
function unpack(
  packed: Uint8Array | Uint16Array,
  depth: number,
  width: number,
  samples: Uint8Array,
): Uint8Array {
  const perByte = 8 / depth;
  const mask = 2 ** depth - 1;
  for (let x = 0, i = 0; x < width; i++) {
    for (let n = 1; n <= perByte && x < width; n++) {
      samples[x++] = (packed[i] >> (8 - n * depth)) & mask;
    }
  }
  return samples;
}

function badIndex({ palette }: ColourMap, pass: Pass, x: number, y: number, index: number): Error {
  const what = `pixel ${pass.firstX + x * pass.stepX},${pass.firstY + y * pass.stepY}`;
  const entries = palette.length / 4;
  return expected('FORMAT', what, `a palette index below ${entries}`, `${index}`);
}
