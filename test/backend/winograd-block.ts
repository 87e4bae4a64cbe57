import { seededRandom } from '../random.ts';
import type { arena } from './arena.ts';
import type { Matrix } from './winograd-formula.ts';
import { square } from './winograd-formula.ts';

/*
 * A block of tiles as the Winograd kernels get it: six rows of pixels (four that are repeated, where the convolution
 * works on their upsampling), somewhere in the middle of longer rows.
 */

export const POINTS = 36;
/** Output channels that are multiplied and transformed together. */
export const GROUP = 16;
/** Channels that a tile of the f32 kernels' v has room for, whatever their number. */
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
}

export const TILES = [1, 2, 3, 4, 5, 31, 32];

export const nameOf = ({ tiles, cin, cout, upsample }: Geometry): string =>
  `${tiles} tiles, ${cin}→${cout}${upsample === 1 ? ', upsampled' : ''}`;

/** Every number of tiles in few channels, every number of channels in few tiles. */
export const GEOMETRIES: readonly Geometry[] = ([0, 1] as const).flatMap((upsample) => [
  ...TILES.map((tiles) => ({ tiles, cin: 32, cout: 16, upsample })),
  ...[16, 32, 64].flatMap((cin) => [16, 48, 64].map((cout) => ({ tiles: 5, cin, cout, upsample }))),
  { tiles: 32, cin: 64, cout: 64, upsample },
]);

export const randomValues = (seed: number, count: number, magnitude = 1): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => (2 * random() - 1) * magnitude);
};

/** Bytes from one point's part to the next, for `count` numbers of `bytes` in each. */
export const pointStride = (count: number, bytes: number): number =>
  Math.ceil((count * bytes) / 16) * 16 + POINT_PAD_BYTES;

/** Tiles are multiplied four by four; the places of the missing ones must be there. */
export const wholeTiles = (tiles: number): number => Math.ceil(tiles / 4) * 4;

/** Where the transformed weight of output `o` and input `i` at point `p` lies in [cout / 16][36][2][cin][8]. */
export const weightIndex = (cin: number, p: number, o: number, i: number): number =>
  ((Math.floor(o / GROUP) * POINTS + p) * 2 + Math.floor((o % GROUP) / 8)) * cin * 8 +
  i * 8 +
  (o % 8);

/** Upsampled, the points of row or column 2 are 0. */
export const isSkipped = (upsample: 0 | 1, p: number): boolean =>
  upsample === 1 && (Math.floor(p / 6) === 2 || p % 6 === 2);

/**
 * Transformed weights or their units, [cout / 16][36][count], as a multiplication takes them: upsampled, without the
 * points that are 0.
 */
export function keepPoints<Numbers extends Float32Array | Int16Array>(
  numbers: Numbers,
  count: number,
  upsample: 0 | 1,
): Numbers {
  const kept = numbers.filter((_, n) => !isSkipped(upsample, Math.floor(n / count) % POINTS));
  return kept as Numbers;
}

/** Columns of the rows that a block reads. */
export const columnsOf = ({ tiles, upsample }: Geometry): number =>
  upsample === 1 ? 2 * tiles + 2 : 4 * tiles + 2;

/** Which of the stored rows each of the six is. */
const rowsOf = (upsample: 0 | 1) => (upsample === 1 ? [0, 1, 1, 2, 2, 3] : [0, 1, 2, 3, 4, 5]);

/** Pixels of a block's rows, and how to look at them. */
export interface Block {
  /** f32 [LEAD + columns][cin] of each stored row. */
  readonly rows: readonly Float32Array[];
  /** The 6×6 input pixels of a tile in one channel, after upsampling. */
  tile(tile: number, channel: number): number[][];
}

/** @param value  of each number, by row, column and channel */
export function makeBlock(
  geometry: Geometry,
  value: (row: number, column: number, channel: number) => number,
): Block {
  const { cin, upsample } = geometry;
  const columns = columnsOf(geometry);
  const rows = Array.from({ length: upsample === 1 ? 4 : 6 }, (_, r) => {
    const row = new Float32Array((LEAD + columns) * cin).fill(NaN, 0, LEAD * cin);
    for (let x = 0; x < columns; x++) {
      for (let i = 0; i < cin; i++) row[(LEAD + x) * cin + i] = value(r, x, i);
    }
    return row;
  });
  const sources = rowsOf(upsample);
  return {
    rows,
    tile: (j, i) =>
      square(6, (r, c) => {
        const x = upsample === 1 ? 2 * j + sources[c] : 4 * j + c;
        return rows[sources[r]][(LEAD + x) * cin + i];
      }),
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
  { upsample, cin }: Geometry,
  { rows }: Block,
): { tablePtr: number; offset: number } {
  const ptrs = rows.map((row) => space.put(row));
  const table = Uint32Array.from(rowsOf(upsample), (r) => ptrs[r]);
  return { tablePtr: space.put(table), offset: LEAD * cin * 4 };
}

/** The 3×3 weights of one pair of channels in f32 [cout][cin][3][3]. */
export const weightsOf = (weights: Float32Array, cin: number, o: number, i: number): Matrix =>
  square(3, (ky, kx) => weights[((o * cin + i) * 3 + ky) * 3 + kx]);
