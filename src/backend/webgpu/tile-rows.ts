import type { Chw } from '../../model/measure.ts';
import type { Span } from '../backend.ts';
import type { ConvStage, Stage } from '../plan.ts';
import { wholeRows } from '../rows-needed.ts';
import { TILE } from '../tile.ts';
import { quadsOf, writtenQuads } from './pack.ts';
import { POINTS } from './winograd.ts';

/*
 * How the tiles of a Winograd convolution are divided: as many rows of tiles at a time as points
 * and products have room for.
 */

/** Rows of tiles that are transformed, multiplied and transformed back together. */
export interface TileRows {
  readonly first: number;
  readonly count: number;
  /** Tiles in a row. */
  readonly columns: number;
}

/** The rows of its own output, before a shuffle, that a convolution makes for rows of the map. */
export function convRows(stage: ConvStage & Stage, rows: Span): Span {
  const { first, end } = wholeRows(stage, rows);
  return { first: first / stage.shuffle, end: end / stage.shuffle };
}

/** Bytes that a quad of channels of a tile takes, at all points. */
const POINT_QUAD_BYTES = POINTS * 16;

/**
 * Divides the tiles that a stage makes in a band. Each piece has at least one row of tiles.
 *
 * @param rows         the band's rows of each map
 * @param pointsBytes  the maximum number of bytes of the points, and of the products
 */
export function tileRowsOf(
  stage: ConvStage & Stage,
  shapes: readonly Chw[],
  rows: readonly Span[],
  pointsBytes: number,
): TileRows[] {
  const made = convRows(stage, rows[stage.output]);
  const [, , width] = shapes[stage.output];
  const columns = Math.ceil(width / stage.shuffle / TILE);
  const first = made.first / TILE;
  const all = made.end / TILE - first;
  const quads = Math.max(quadsOf(stage.conv.cin), writtenQuads(stage));
  const max = Math.max(1, Math.floor(pointsBytes / (quads * columns * POINT_QUAD_BYTES)));
  const pieces = Math.ceil(all / max);
  return Array.from({ length: pieces }, (_, n) => {
    const [from, end] = [n, n + 1].map((k) => Math.floor((k * all) / pieces));
    return { first: first + from, count: end - from, columns };
  });
}

/** Bytes of a convolution's points and of its products. */
export interface PointBytes {
  readonly points: number;
  readonly products: number;
}

/** Returns the bytes of the largest piece of a stage's tiles. Arguments as for `tileRowsOf`. */
export function maxPointBytes(
  stage: ConvStage & Stage,
  shapes: readonly Chw[],
  rows: readonly Span[],
  pointsBytes: number,
): PointBytes {
  const pieces = tileRowsOf(stage, shapes, rows, pointsBytes);
  const tiles = pieces.reduce((max, { count, columns }) => Math.max(max, count * columns), 0);
  const quadBytes = tiles * POINT_QUAD_BYTES;
  return {
    points: quadBytes * quadsOf(stage.conv.cin),
    products: quadBytes * writtenQuads(stage),
  };
}
