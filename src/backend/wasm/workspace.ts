import type { ConvStage, Stage } from '../plan.ts';
import { TILE } from '../rows-needed.ts';
import type { Memory } from './memory.ts';
import { GROUP, MAX_CIN } from './plan-rules.ts';
import { paddedChannels } from './ring.ts';

/*
 * The buffers that all convolutions of a network work in, and how a Winograd convolution cuts its rows into tiles.
 */

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** Beside each point's part of a block: 4× slower without, as 36 streams a power of two apart share one L1 set. */
const POINT_PAD_BYTES = 320;

/** How the input of a Winograd convolution is cut into tiles of 4×4 outputs. */
export interface Tiling {
  /** Rows of the input that a tile's outputs depend on; points along an axis. */
  readonly side: 6 | 9;
  /** Columns of the stored input that a tile depends on, and how many of them lie between one tile and the next. */
  readonly columns: number;
  readonly step: number;
  /** Tiles side by side that go through the three steps together: with 81 points half of what 36 have room for. */
  readonly blockTiles: number;
}

const PLAIN: Tiling = { side: 6, columns: 6, step: TILE, blockTiles: 24 };
/** As many points; two rows and columns of the stored map make four. */
const UPSAMPLED: Tiling = { side: 6, columns: 4, step: TILE / 2, blockTiles: 24 };
const STRIDE2: Tiling = { side: 9, columns: 9, step: 2 * TILE, blockTiles: 12 };

export function tilingOf({ conv, upsample }: ConvStage): Tiling {
  if (conv.stride === 2) return STRIDE2;
  return upsample ? UPSAMPLED : PLAIN;
}

/** Bytes from one point's part of a block to the next: of its input in f32, and of one group's products. */
export const vStrideOf = ({ blockTiles }: Tiling): number =>
  blockTiles * MAX_CIN * F32_BYTES + POINT_PAD_BYTES;
export const mStrideOf = ({ blockTiles }: Tiling): number =>
  blockTiles * GROUP * F32_BYTES + POINT_PAD_BYTES;

/** Columns of the stored input that a block's tiles depend on. */
const columnsOf = ({ columns, step, blockTiles }: Tiling): number =>
  step * (blockTiles - 1) + columns;

/** Bytes from one row of the input transform's scratch to the next. */
export const columnsStrideOf = (tiling: Tiling, cin: number): number =>
  columnsOf(tiling) * cin * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one row of columns' largest magnitudes to the next. */
export const mostStrideOf = (tiling: Tiling): number => columnsOf(tiling) * F32_BYTES;

/** Bytes from one point's scales to the next. */
export const scalesStrideOf = ({ blockTiles }: Tiling): number => blockTiles * F32_BYTES;

/** Addresses of buffers that every convolution of a network uses in turn. */
export interface Workspace {
  /** u32 [9]: the rows of the input; behind them u32 [8]: four rows of the output, four to add. */
  readonly rowTablePtr: number;
  readonly vPtr: number;
  readonly mPtr: number;
  readonly columnsPtr: number;
  /** f32 [9][64]: what the transforms keep of one tile. */
  readonly tilePtr: number;
  readonly mostPtr: number;
  readonly scalesPtr: number;
  /** f32 [tiles][64]: the block's input at point (1, 1). */
  readonly flatPtr: number;
  /** Where rows below the picture's edge go. */
  readonly discardRowPtr: number;
}

/** Rows of the input in the row table. */
export const TABLE_INPUT_ROWS = 9;

/** @throws TaesdError LIMIT, OOM */
export function allocateWorkspace(
  memory: Memory,
  stages: readonly Stage[],
  widestRowBytes: number,
): Workspace {
  const convs = stages.filter((stage) => stage.kind === 'conv' && stage.winograd);
  const most = (bytes: (tiling: Tiling, stage: ConvStage) => number) =>
    Math.max(0, ...convs.map((stage) => bytes(tilingOf(stage as ConvStage), stage as ConvStage)));
  const tableRows = TABLE_INPUT_ROWS + 2 * TILE;
  return {
    rowTablePtr: memory.allocate('row table', tableRows * Uint32Array.BYTES_PER_ELEMENT),
    vPtr: memory.allocate(
      'tiles',
      most((tiling) => tiling.side ** 2 * vStrideOf(tiling)),
    ),
    mPtr: memory.allocate(
      'tiles',
      most((tiling) => tiling.side ** 2 * mStrideOf(tiling)),
    ),
    columnsPtr: memory.allocate(
      'tiles',
      most((tiling, { conv }) => tiling.side * columnsStrideOf(tiling, paddedChannels(conv.cin))),
    ),
    tilePtr: memory.allocate(
      'tiles',
      most(({ side }) => side * MAX_CIN * F32_BYTES),
    ),
    mostPtr: memory.allocate(
      'tiles',
      most((tiling) => tiling.side * mostStrideOf(tiling)),
    ),
    flatPtr: memory.allocate(
      'tiles',
      most(({ blockTiles }) => blockTiles * MAX_CIN * F32_BYTES),
    ),
    scalesPtr: memory.allocate(
      'tiles',
      most((tiling) => tiling.side ** 2 * scalesStrideOf(tiling)),
    ),
    discardRowPtr: memory.allocate('row', widestRowBytes),
  };
}
