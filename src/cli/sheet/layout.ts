import type { Size } from '../line/size.ts';
import { GLYPH } from '../maps/bitmap-font.ts';
import { signsIn } from './labels.ts';

/** The places of a sheet's tiles, in pixels. */
export interface Layout extends Size {
  readonly columns: number;
  readonly rows: number;
  /** The side of the square that holds a picture. */
  readonly thumb: number;
  /** The height of a picture and its label. */
  readonly tileHeight: number;
  /** The pixels of the font's pixel. */
  readonly scale: number;
  /** The lines of a label. */
  readonly lines: number;
  /** The signs in a line. */
  readonly signs: number;
}

/** The distance between tiles, and around all of them. */
export const GAP = 8;
/** The distance between a picture and its label. */
const LABEL_GAP = 5;

/** A sheet of this width fits on most screens. */
const USUAL_WIDTH = 1616;
/** A taller sheet gets more columns: many programs open no picture of more than 32767 pixels. */
const USUAL_HEIGHT = 16384;

/** The widest sheet. One row of tiles is in memory. */
export const MAX_WIDTH = 32767;

/** A label with as many signs has its size and its model in one line. */
const WIDE_LABEL = 30;

/** The height of a line of a label. */
export const lineHeight = (scale: number): number => (GLYPH.height + GLYPH.depth + 2) * scale;

/**
 * Returns the layout of a sheet.
 *
 * @param columns  defaults to a sheet of about 1600 pixels, wider if it would be too tall
 */
export function layoutOf(count: number, thumb: number, columns?: number): Layout {
  const scale = Math.max(1, Math.floor(thumb / 256));
  const signs = signsIn(thumb, scale);
  const lines = signs >= WIDE_LABEL ? 2 : 3;
  const tileHeight = thumb + LABEL_GAP + lines * lineHeight(scale);
  const cell = thumb + GAP;
  const maxColumns = (width: number) => Math.max(1, Math.floor((width - GAP) / cell));
  const rowsAtMost = Math.floor((USUAL_HEIGHT - GAP) / (tileHeight + GAP));
  const usual = Math.max(maxColumns(USUAL_WIDTH), Math.ceil(count / rowsAtMost));
  const wanted = columns ?? Math.min(usual, maxColumns(USUAL_HEIGHT));
  const used = Math.min(wanted, count);
  const rows = Math.ceil(count / used);
  return {
    columns: used,
    rows,
    thumb,
    tileHeight,
    scale,
    lines,
    signs,
    width: used * cell + GAP,
    height: rows * (tileHeight + GAP) + GAP,
  };
}

/** Returns the size of a thumbnail: at most `thumb` wide and high, and never enlarged. */
export function thumbnailSize({ width, height }: Size, thumb: number): Size {
  const factor = Math.min(1, thumb / Math.max(width, height));
  const scaled = (side: number) => Math.max(1, Math.round(side * factor));
  return { width: scaled(width), height: scaled(height) };
}
