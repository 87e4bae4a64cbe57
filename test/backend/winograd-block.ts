import { sampled } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import type { arena } from './arena.ts';
import type { Matrix } from './winograd-formula.ts';
import { square } from './winograd-formula.ts';

/*
 * A block of tiles as the Winograd kernels get it: six rows of pixels (four that are repeated,
 * where the convolution works on their upsampling; nine with stride 2; with tiles of 6×6 eight, or
 * five), somewhere in the middle of longer rows.
 */

/** Points of a tile of 4×4 that have weights of their own, whatever the stride. */
export const WEIGHT_POINTS = 36;
/** Points of a tile of 6×6. */
export const LARGE_POINTS = 64;
/** Output channels that are multiplied and transformed together. */
export const GROUP = 16;
/** Channels of a chunk, for which each tile of v has room. */
export const V_CHANNELS = 64;
/** Bytes beside each point's part; not a power of two, and never written. */
const POINT_PAD_BYTES = 48;
/** Pixels of the rows that lie left of the block. */
const LEAD = 3;

export interface Geometry {
  readonly tiles: number;
  readonly cin: number;
  readonly cout: number;
  readonly upsample: 0 | 1;
  readonly stride: 1 | 2;
  /** Rows and columns of a tile's outputs. Defaults to 4. */
  readonly tile?: 4 | 6;
}

/** The part of a geometry that says which kernels it has. */
export type Kind = Pick<Geometry, 'stride' | 'tile'>;

export const tileOf = ({ tile = 4 }: Pick<Geometry, 'tile'>): 4 | 6 => tile;

/** Points along an axis, and pixels of a tile's input. */
export const sideOf = ({ stride, tile }: Kind): 6 | 8 | 9 =>
  stride === 2 ? 9 : tile === 6 ? 8 : 6;

export const pointsOf = (kind: Kind): number => sideOf(kind) ** 2;

/** Points that have weights of their own. */
export const weightPointsOf = (kind: Kind): number =>
  sideOf(kind) === 8 ? LARGE_POINTS : WEIGHT_POINTS;

/**
 * The point of the weights that meets point `p`: with stride 2, all from the sixth on along an axis
 * share theirs.
 */
export const weightPoint = (p: number, side: number): number =>
  side === 9 ? 6 * Math.min(Math.floor(p / 9), 5) + Math.min(p % 9, 5) : p;

export const TILES = [1, 2, 3, 4, 5, 31, 32];
const ALL_LARGE_TILES = Array.from({ length: 24 }, (_, n) => n + 1);
export const LARGE_TILES = sampled([1, 2, 3, 4, 5, 23, 24], ALL_LARGE_TILES);

export const nameOf = ({ tiles, cin, cout, upsample, stride, tile }: Geometry): string =>
  [
    `${tiles} tiles${tile === 6 ? ' of 6×6' : ''}, ${cin}→${cout}`,
    ...(upsample === 1 ? ['upsampled'] : []),
    ...(stride === 2 ? ['stride 2'] : []),
  ].join(', ');

/** Channels past one chunk: two, three with the last not full, four. */
const WIDE = [
  [5, 128],
  [3, 144],
  [2, 256],
];

/** Every number of tiles in few channels, every number of channels in few tiles. */
export const GEOMETRIES: readonly Geometry[] = ([0, 1] as const).flatMap((upsample) => [
  ...TILES.map((tiles) => ({ tiles, cin: 32, cout: 16, upsample, stride: 1 }) as const),
  ...[16, 32, 64].flatMap((cin) =>
    [16, 48, 64].map((cout) => ({ tiles: 5, cin, cout, upsample, stride: 1 }) as const),
  ),
  { tiles: 32, cin: 64, cout: 64, upsample, stride: 1 },
  ...WIDE.map(([tiles, cin]) => ({ tiles, cin, cout: 16, upsample, stride: 1 }) as const),
]);

/** The same with stride 2, where a block has up to 12 tiles. */
export const STRIDE2_GEOMETRIES: readonly Geometry[] = [
  ...Array.from({ length: 12 }, (_, n) => [n + 1, 32, 16]),
  ...[16, 48, 64].map((cin) => [5, cin, 16]),
  ...[16, 32, 48, 64].flatMap((cin) => [32, 48, 64].map((cout) => [5, cin, cout])),
  [12, 64, 64],
  ...WIDE.map(([tiles, cin]) => [tiles, cin, 16]),
].map(([tiles, cin, cout]) => ({ tiles, cin, cout, upsample: 0, stride: 2 }));

/** Geometries with tiles of 6×6. A block has up to 24 of them, and at most 64 channels. */
export const LARGE_GEOMETRIES: readonly Geometry[] = ([0, 1] as const).flatMap((upsample) =>
  [
    ...LARGE_TILES.map((tiles) => [tiles, 32, 16]),
    ...[16, 48, 64].map((cin) => [5, cin, 16]),
    ...[32, 48, 64].map((cout) => [3, 80 - cout, cout]),
    [24, 64, 64],
  ].map(([tiles, cin, cout]) => ({ tiles, cin, cout, upsample, stride: 1, tile: 6 }) as const),
);

export const randomValues = (seed: number, count: number, magnitude = 1): Float32Array => {
  const random = seededRandom(seed);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (2 * random() - 1) * magnitude;
  return values;
};

/** Bytes from one point's part to the next, for `count` numbers of `bytes` in each. */
export const pointStride = (count: number, bytes: number): number =>
  Math.ceil((count * bytes) / 16) * 16 + POINT_PAD_BYTES;

/** Tiles are multiplied four by four; the places of the missing ones must be there. */
export const wholeTiles = (tiles: number): number => Math.ceil(tiles / 4) * 4;

export const chunksOf = (cin: number): number => Math.ceil(cin / V_CHANNELS);

type Operand = Pick<Geometry, 'tiles' | 'cin'>;

/** Numbers of a point of v: [chunks][tiles][64]. */
export const vCount = ({ tiles, cin }: Operand): number =>
  chunksOf(cin) * wholeTiles(tiles) * V_CHANNELS;

/** The place of channel `i` of tile `j` in a point of v. */
export const vIndex = ({ tiles }: Operand, j: number, i: number): number =>
  (Math.floor(i / V_CHANNELS) * wholeTiles(tiles) + j) * V_CHANNELS + (i % V_CHANNELS);

/** Whether number `n` of a point's part of v is of no tile and channel. */
export function isBeside({ tiles, cin }: Operand, n: number): boolean {
  const place = Math.floor(n / V_CHANNELS);
  const whole = wholeTiles(tiles);
  return place % whole >= tiles || Math.floor(place / whole) * V_CHANNELS + (n % V_CHANNELS) >= cin;
}

/**
 * The place of the transformed weight of output `o` and input `i` at point `p` in
 * [cout / 16][points][2][cin][8].
 */
export const weightIndex = (
  cin: number,
  p: number,
  o: number,
  i: number,
  points = WEIGHT_POINTS,
): number =>
  ((Math.floor(o / GROUP) * points + p) * 2 + Math.floor((o % GROUP) / 8)) * cin * 8 +
  i * 8 +
  (o % 8);

/** Upsampled, the points of row or column 2 are 0. */
export function isSkipped(geometry: Kind & Pick<Geometry, 'upsample'>, p: number): boolean {
  const side = sideOf(geometry);
  return geometry.upsample === 1 && (Math.floor(p / side) === 2 || p % side === 2);
}

/**
 * Transformed weights or their units, [cout / 16][points][count], as a multiplication takes them:
 * upsampled, without the points that are 0.
 */
export function keepPoints<Numbers extends Float32Array | Int16Array>(
  numbers: Numbers,
  count: number,
  geometry: Geometry,
): Numbers {
  if (geometry.upsample === 0) return numbers;
  const points = weightPointsOf(geometry);
  const kept = numbers.filter((_, n) => !isSkipped(geometry, Math.floor(n / count) % points));
  return kept as Numbers;
}

/** Columns of the stored rows from one tile to the next. */
const stepOf = (geometry: Geometry): number =>
  (geometry.upsample === 1 ? 1 / 2 : geometry.stride) * tileOf(geometry);

/** Which of the stored rows each of a tile's rows is, and which column from its first. */
const sourcesOf = (geometry: Geometry): number[] =>
  Array.from({ length: sideOf(geometry) }, (_, r) =>
    geometry.upsample === 1 ? Math.ceil(r / 2) : r,
  );

/** Columns of the rows that a block reads. */
export function columnsOf(geometry: Geometry): number {
  const last = sourcesOf(geometry).at(-1) as number;
  return stepOf(geometry) * (geometry.tiles - 1) + last + 1;
}

/** Pixels of a block's rows, and how to look at them. */
export interface Block {
  /** f32 [LEAD + columns][cin] of each stored row. */
  readonly rows: readonly Float32Array[];
  /** The 6×6, 8×8 or 9×9 input pixels of a tile in one channel, after upsampling. */
  tile(tile: number, channel: number): number[][];
}

/** @param value  of each number, by row, column and channel */
export function makeBlock(
  geometry: Geometry,
  value: (row: number, column: number, channel: number) => number,
): Block {
  const { cin } = geometry;
  const columns = columnsOf(geometry);
  const sources = sourcesOf(geometry);
  const step = stepOf(geometry);
  const rows = Array.from({ length: (sources.at(-1) as number) + 1 }, (_, r) => {
    const row = new Float32Array((LEAD + columns) * cin).fill(NaN, 0, LEAD * cin);
    for (let x = 0; x < columns; x++) {
      for (let i = 0; i < cin; i++) row[(LEAD + x) * cin + i] = value(r, x, i);
    }
    return row;
  });
  return {
    rows,
    tile: (j, i) =>
      square(sources.length, (r, c) => rows[sources[r]][(LEAD + step * j + sources[c]) * cin + i]),
  };
}

/** A block of seeded numbers in [−1, 1). */
export function randomBlock(geometry: Geometry, seed = 1): Block {
  const random = seededRandom(seed);
  return makeBlock(geometry, () => 2 * random() - 1);
}

/** Lays a block's rows and the table of their addresses. */
export function putBlock(
  space: ReturnType<typeof arena>,
  geometry: Geometry,
  { rows }: Block,
): { tablePtr: number; offset: number } {
  const ptrs = rows.map((row) => space.put(row));
  const table = Uint32Array.from(sourcesOf(geometry), (r) => ptrs[r]);
  return { tablePtr: space.put(table), offset: LEAD * geometry.cin * 4 };
}

/** The 3×3 weights of one pair of channels in f32 [cout][cin][3][3]. */
export const weightsOf = (weights: Float32Array, cin: number, o: number, i: number): Matrix =>
  square(3, (ky, kx) => weights[((o * cin + i) * 3 + ky) * 3 + kx]);
