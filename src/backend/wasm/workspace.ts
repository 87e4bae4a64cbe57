import type { Conv } from '../../model/layers.ts';
import type { ConvStage, Stage } from '../plan.ts';
import { LARGE_TILE, TILE } from '../tile.ts';
import {
  CHUNK,
  F32_BYTES,
  GROUP,
  I16_BYTES,
  LARGE_COLUMN_TILES,
  LARGE_SIDE,
  MAX_INPUT_ROWS,
  PTR_BYTES,
  SIDE,
  WEIGHT_POINTS,
} from './layout.ts';
import type { Memory } from './memory.ts';

/*
 * The buffers that all convolutions of a network work in, and how a Winograd convolution cuts its
 * rows into tiles.
 */

/**
 * Padding after each point's slice. Without it the slices are a power of two apart, share one L1
 * set, and the transform takes four times as long.
 */
const POINT_PAD_BYTES = 320;

/** How the input of a Winograd convolution is cut into tiles. */
export interface Tiling extends TileShape {
  /** Chunks of input channels, and the channels of the largest. */
  readonly chunks: number;
  readonly channels: number;
}

interface TileShape {
  /** Rows of the input that a tile's outputs depend on; points along an axis. */
  readonly side: 6 | 8 | 9;
  /** Columns of the stored input that a tile depends on. */
  readonly columns: number;
  /** Columns of the stored input from one tile to the next. */
  readonly step: number;
  /** Tiles side by side that go through the three steps together. With 81 points it is half. */
  readonly blockTiles: number;
}

const PLAIN: TileShape = { side: 6, columns: 6, step: TILE, blockTiles: 24 };
/** As many points; two rows and columns of the stored map make four. */
const UPSAMPLED: TileShape = { side: 6, columns: 4, step: TILE / 2, blockTiles: 24 };
const LARGE: TileShape = { side: 8, columns: 8, step: LARGE_TILE, blockTiles: 24 };
const LARGE_UPSAMPLED: TileShape = { side: 8, columns: 5, step: LARGE_TILE / 2, blockTiles: 24 };
const STRIDE2: TileShape = { side: 9, columns: 9, step: 2 * TILE, blockTiles: 12 };

/**
 * Tiles in a block of a wide convolution with stride 1. Its weights, up to 9 MB, are read or made
 * once for each block. For 256→256 on 32×32, G multiply-adds/s in f32 and fast are 58 and 93 with
 * 24 tiles, 63 and 95 with 32, 62 and 99 with 48, 67 and 103 with 64. But bands are as high as
 * blocks: with 64, a decode of taeqi2_1 at 512×512 takes 8 MB more memory, and 103 MB in fast.
 */
const WIDE_TILES = 32;
/** The maximum number of rows of tiles in a block. */
export const MAX_BLOCK_ROWS = 8;

/** Pairs of channels of the largest convolution whose transformed weights are kept. */
const MAX_KEPT_PAIRS = 128 * 64;

/** Tells whether a convolution is wide: of more than 64 channels. */
export const isWide = ({ cin, cout }: Conv): boolean => cin > CHUNK || cout > CHUNK;

/** A stage's convolution, its tile, and whether it works on an upsampling. */
type Shape = Pick<ConvStage, 'conv' | 'upsample' | 'tile'>;

function tileShapeOf({ conv, upsample, tile }: Shape): TileShape {
  if (conv.stride === 2) return STRIDE2;
  if (tile === LARGE_TILE) return upsample ? LARGE_UPSAMPLED : LARGE;
  return upsample ? UPSAMPLED : PLAIN;
}

/** Returns the points that a convolution has weights for. */
export function weightPoints(shape: Shape): number {
  const side = shape.tile === LARGE_TILE ? LARGE_SIDE : SIDE;
  return (shape.upsample ? side - 1 : side) ** 2;
}

export function tilingOf(stage: Shape): Tiling {
  const { conv } = stage;
  const shape = tileShapeOf(stage);
  const blockTiles = isWide(conv) && conv.stride === 1 ? WIDE_TILES : shape.blockTiles;
  const { cin } = conv;
  return { ...shape, blockTiles, chunks: Math.ceil(cin / CHUNK), channels: Math.min(cin, CHUNK) };
}

/**
 * Returns the rows of tiles that a block takes, for rows of so many tiles. A wide convolution's
 * block takes several if they are short: with one, 256→256 on 32×32 has 0.6 of the speed.
 */
export function blockRowsOf(shape: Shape, tiles: number): number {
  if (!isWide(shape.conv) || shape.conv.stride === 2) return 1;
  const rows = Math.floor(WIDE_TILES / tiles);
  return Math.min(Math.max(rows, 1), MAX_BLOCK_ROWS);
}

/**
 * Returns true if the transformed weights of a convolution in f32 are made when they are needed,
 * group by group. Kept, they take four times the memory of the weights: a decode of
 * taesana at 512×512 would take 16 MB more if only those of 128→128 were kept. Making them takes
 * about 10 % of the products' time, which is gained by not reading 9 MB from memory.
 */
export const isLate = ({ conv, upsample }: Pick<Shape, 'conv' | 'upsample'>): boolean =>
  conv.stride === 1 && !upsample && conv.cin * conv.cout > MAX_KEPT_PAIRS;

/** Bytes from one point of a group's weights to the next, if they are made late. */
export const uStrideOf = (cin: number): number => cin * GROUP * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one chunk of channels to the next in a point of a block's input, in f32. */
export const vChunkOf = ({ blockTiles }: Tiling): number => blockTiles * CHUNK * F32_BYTES;

/** Bytes from one point's part of a block's input to the next, in f32. */
export const vStrideOf = (tiling: Tiling): number =>
  tiling.chunks * vChunkOf(tiling) + POINT_PAD_BYTES;

/** Bytes from one point's part of a block's input to the next, in 16 bits: half of those in f32. */
export const v16StrideOf = (tiling: Tiling): number => (vStrideOf(tiling) * I16_BYTES) / F32_BYTES;

/** Bytes from one point's part of a block's products, of one group, to the next. */
export const mStrideOf = ({ blockTiles }: Tiling): number =>
  blockTiles * GROUP * F32_BYTES + POINT_PAD_BYTES;

/**
 * Columns of the stored input that a block's tiles depend on; with tiles of 6×6, those that
 * LARGE_COLUMN_TILES tiles depend on.
 */
const columnsOf = ({ side, columns, step, blockTiles }: Tiling): number =>
  step * ((side === LARGE_SIDE ? LARGE_COLUMN_TILES : blockTiles) - 1) + columns;

/**
 * Bytes from one row of the input transform's scratch to the next. Columns of tiles of 6×6 lie as
 * far apart as tiles in v.
 */
export const columnsStrideOf = (tiling: Tiling): number =>
  columnsOf(tiling) * (tiling.side === LARGE_SIDE ? CHUNK : tiling.channels) * F32_BYTES +
  POINT_PAD_BYTES;

/** Bytes from one chunk's scales to the next, in a point. */
export const scalesChunkOf = ({ blockTiles }: Tiling): number => blockTiles * F32_BYTES;

/** Bytes from one point's scales to the next. */
export const scalesStrideOf = (tiling: Tiling): number => tiling.chunks * scalesChunkOf(tiling);

/**
 * Addresses of buffers that every convolution of a network uses in turn; job-layout.ts has their
 * shapes.
 */
export interface Workspace {
  /** u32 [MAX_BLOCK_ROWS][9 + 12]: the input's rows, then the output's, of each row of tiles. */
  readonly rowsPtr: number;
  /** f32 [36][2][cin][8]: the transformed weights of a group, if they are made late. */
  readonly uPtr: number;
  readonly vPtr: number;
  readonly mPtr: number;
  readonly columnsPtr: number;
  readonly tilePtr: number;
  readonly scalesPtr: number;
  readonly flatPtr: number;
  /** A row of the output for those below the picture's edge. */
  readonly discardRowPtr: number;
}

/** Addresses of a row of tiles: its input's rows, its output's, and those to add. */
export const TABLE_ROWS = MAX_INPUT_ROWS + 2 * LARGE_TILE;

/**
 * Allocates the buffers of a network's stages.
 *
 * @throws TaesdError LIMIT, OOM
 */
export function allocateWorkspace(
  memory: Memory,
  stages: readonly Stage[],
  widestRowBytes: number,
): Workspace {
  const convs = stages.filter(
    (stage): stage is ConvStage & Stage => stage.kind === 'conv' && stage.winograd,
  );
  /** Allocates the largest number of bytes that any stage needs. */
  const allocate = (bytes: (tiling: Tiling, stage: ConvStage) => number) =>
    memory.allocate('tiles', Math.max(0, ...convs.map((conv) => bytes(tilingOf(conv), conv))));
  return {
    rowsPtr: memory.allocate('row table', MAX_BLOCK_ROWS * TABLE_ROWS * PTR_BYTES),
    uPtr: allocate((_, stage) => (isLate(stage) ? WEIGHT_POINTS * uStrideOf(stage.conv.cin) : 0)),
    vPtr: allocate((tiling) => tiling.side ** 2 * vStrideOf(tiling)),
    mPtr: allocate((tiling) => tiling.side ** 2 * mStrideOf(tiling)),
    columnsPtr: allocate((tiling) => tiling.side * columnsStrideOf(tiling)),
    tilePtr: allocate(({ side }) => (side + 1) * CHUNK * F32_BYTES),
    flatPtr: allocate((tiling) => tiling.chunks * vChunkOf(tiling)),
    scalesPtr: allocate((tiling) => tiling.side ** 2 * scalesStrideOf(tiling)),
    discardRowPtr: memory.allocate('row', widestRowBytes),
  };
}
