import type { ConvStage, Stage } from '../plan.ts';
import { TILE } from '../tile.ts';
import { F32_BYTES, GROUP, I16_BYTES, MAX_CIN, MAX_INPUT_ROWS, PTR_BYTES } from './layout.ts';
import type { Memory } from './memory.ts';
import { paddedChannels } from './ring.ts';

/*
 * The buffers that all convolutions of a network work in, and how a Winograd convolution cuts its
 * rows into tiles.
 */

/**
 * Padding after each point's slice. Without it the 36 slices are a power of two apart, share one L1
 * set, and the transform takes four times as long.
 */
const POINT_PAD_BYTES = 320;

/** How the input of a Winograd convolution is cut into tiles of 4×4 outputs. */
export interface Tiling {
  /** Rows of the input that a tile's outputs depend on; points along an axis. */
  readonly side: 6 | 9;
  /** Columns of the stored input that a tile depends on. */
  readonly columns: number;
  /** Columns of the stored input from one tile to the next. */
  readonly step: number;
  /**
   * Tiles side by side that go through the three steps together. With 81 points it is half of what
   * 36 points have room for.
   */
  readonly blockTiles: number;
}

const PLAIN: Tiling = { side: 6, columns: 6, step: TILE, blockTiles: 24 };
/** As many points; two rows and columns of the stored map make four. */
const UPSAMPLED: Tiling = { side: 6, columns: 4, step: TILE / 2, blockTiles: 24 };
const STRIDE2: Tiling = { side: 9, columns: 9, step: 2 * TILE, blockTiles: 12 };

export function tilingOf({ conv, upsample }: Pick<ConvStage, 'conv' | 'upsample'>): Tiling {
  if (conv.stride === 2) return STRIDE2;
  return upsample ? UPSAMPLED : PLAIN;
}

/** Bytes from one point's part of a block's input to the next, in f32. */
export const vStrideOf = ({ blockTiles }: Tiling): number =>
  blockTiles * MAX_CIN * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one point's part of a block's input to the next, in 16 bits: half of those in f32. */
export const v16StrideOf = (tiling: Tiling): number => (vStrideOf(tiling) * I16_BYTES) / F32_BYTES;

/** Bytes from one point's part of a block's products, of one group, to the next. */
export const mStrideOf = ({ blockTiles }: Tiling): number =>
  blockTiles * GROUP * F32_BYTES + POINT_PAD_BYTES;

/** Columns of the stored input that a block's tiles depend on. */
const columnsOf = ({ columns, step, blockTiles }: Tiling): number =>
  step * (blockTiles - 1) + columns;

/** Bytes from one row of the input transform's scratch to the next. */
export const columnsStrideOf = (tiling: Tiling, cin: number): number =>
  columnsOf(tiling) * cin * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one row of columns' largest magnitudes to the next. */
export const maximaStrideOf = (tiling: Tiling): number => columnsOf(tiling) * F32_BYTES;

/** Bytes from one point's scales to the next. */
export const scalesStrideOf = ({ blockTiles }: Tiling): number => blockTiles * F32_BYTES;

/**
 * Addresses of buffers that every convolution of a network uses in turn; job-layout.ts has their
 * shapes.
 */
export interface Workspace {
  /** u32 [9]. The output's rows follow it. */
  readonly inputRowsPtr: number;
  /** u32 [8] */
  readonly outputRowsPtr: number;
  readonly vPtr: number;
  readonly mPtr: number;
  readonly columnsPtr: number;
  readonly tilePtr: number;
  readonly maximaPtr: number;
  readonly scalesPtr: number;
  readonly flatPtr: number;
  /** A row of the output for those below the picture's edge. */
  readonly discardRowPtr: number;
}

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
  const tableBytes = (MAX_INPUT_ROWS + 2 * TILE) * PTR_BYTES;
  const inputRowsPtr = memory.allocate('row table', tableBytes);
  return {
    inputRowsPtr,
    outputRowsPtr: inputRowsPtr + MAX_INPUT_ROWS * PTR_BYTES,
    vPtr: allocate((tiling) => tiling.side ** 2 * vStrideOf(tiling)),
    mPtr: allocate((tiling) => tiling.side ** 2 * mStrideOf(tiling)),
    columnsPtr: allocate(
      (tiling, { conv }) => tiling.side * columnsStrideOf(tiling, paddedChannels(conv.cin)),
    ),
    tilePtr: allocate(({ side }) => side * MAX_CIN * F32_BYTES),
    maximaPtr: allocate((tiling) => tiling.side * maximaStrideOf(tiling)),
    flatPtr: allocate(({ blockTiles }) => blockTiles * MAX_CIN * F32_BYTES),
    scalesPtr: allocate((tiling) => tiling.side ** 2 * scalesStrideOf(tiling)),
    discardRowPtr: memory.allocate('row', widestRowBytes),
  };
}
