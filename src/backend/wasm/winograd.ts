import type { ConvStage } from '../plan.ts';
import { type JobFields, writeJob } from './job.ts';
import {
  JOB_ADD,
  JOB_BIAS,
  JOB_BYTES,
  JOB_CIN,
  JOB_COLUMNS,
  JOB_COLUMNS_STRIDE,
  JOB_COUT,
  JOB_INPUT_ROWS,
  JOB_M,
  JOB_M_STRIDE,
  JOB_OUTPUT_ROWS,
  JOB_RELU,
  JOB_SCALES,
  JOB_SCALES_CHUNK,
  JOB_SCALES_STRIDE,
  JOB_SIDE,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_FLAT,
  JOB_V_STRIDE,
  JOB_WEIGHT_SCALES,
  JOB_WEIGHTS,
  JOB_WEIGHTS_FLAT,
  JOB_WEIGHTS_STRIDE,
} from './job-layout.ts';
import type { KernelName } from './kernels.ts';
import {
  F32_BYTES,
  GROUP,
  GROUP_BYTES,
  MAX_INPUT_ROWS,
  PTR_BYTES,
  V_TILE_BYTES,
  V16_TILE_BYTES,
} from './layout.ts';
import type { PackedConv } from './pack.ts';
import type { StageContext, StageRunner } from './stage-context.ts';
import {
  blockRowsOf,
  columnsStrideOf,
  mStrideOf,
  scalesChunkOf,
  scalesStrideOf,
  TABLE_ROWS,
  type Tiling,
  tilingOf,
  uStrideOf,
  v16StrideOf,
  vChunkOf,
  vStrideOf,
} from './workspace.ts';

/*
 * A Winograd convolution over a row of tiles: block by block, the input's transform, then for each
 * group of output channels the products and the output's transform.
 */

export function prepareWinograd(stage: ConvStage, context: StageContext): StageRunner {
  const { memory, jobPtr, output, workspace, kernels } = context;
  const { cin, cout, weightsPtr, scalesPtr, isLate } = context.packed as PackedConv;
  const { uPtr, tilePtr } = workspace;
  const uStride = uStrideOf(cin);
  const { tile } = stage;
  const { side, step, blockTiles, chunks } = tilingOf(stage);
  const tiles = Math.ceil(output.width / tile);
  const blockRows = blockRowsOf(stage, tiles);
  // A job for each row of tiles in a block. Their tiles lie one behind the other.
  const jobs = Array.from({ length: blockRows }, (_, row) => {
    writeJob(memory, jobPtr + row * JOB_BYTES, winogradJob(stage, context, row, row * tiles));
    return jobPtr + row * JOB_BYTES;
  });
  const products = scalesPtr === undefined ? 'f32' : 'i16';
  const [input, product, result] = WINOGRAD_KERNELS[products][side];
  const { [input]: transformInput, [product]: multiply, [result]: transformOutput } = kernels;
  // A tile begins one pixel left of its first output: at the slot's zero pixel for the first.
  const inputStep = step * cin * F32_BYTES;
  const pixelBytes = cout * F32_BYTES;
  const outputStep = tile * pixelBytes;
  const groups = cout / GROUP;
  const groupBytes = GROUP * cin * 9 * F32_BYTES;
  const isCut = output.width % tile !== 0;

  return (span) => {
    for (let y = span.first; y < span.end; y += tile * blockRows) {
      const rows = Math.min(blockRows, Math.ceil((span.end - y) / tile));
      for (let row = 0; row < rows; row++) fillRowTable(stage, y + row * tile, row, context);
      for (let first = 0; first < tiles; first += blockTiles) {
        const count = Math.min(blockTiles, tiles - first);
        const offset = first * outputStep + pixelBytes;
        for (let row = 0; row < rows; row++) {
          transformInput(jobs[row], first * inputStep, count);
          // Rows that are touched would leave the cache while the groups' weights pass through it.
          if (chunks === 1) kernels.touchRows(jobs[row], offset, count);
        }
        for (let group = 0; group < groups; group++) {
          if (isLate) {
            const plainPtr = weightsPtr + group * groupBytes;
            kernels.winogradTransformGroup(uPtr, uStride, plainPtr, tilePtr, cin);
          }
          multiply(jobPtr, isLate ? 0 : group, rows * count);
          for (let row = 0; row < rows; row++) transformOutput(jobs[row], group, offset, count);
        }
      }
      if (!isCut) continue;
      const end = Math.min(y + rows * tile, output.height);
      for (let r = y; r < end; r++) output.clearMargin(memory, r);
    }
  };
}

/**
 * The kernels of the three steps, by products and by the points of a tile along an axis: rows of
 * the input to points, points to products, products to rows of the output.
 */
export const WINOGRAD_KERNELS = {
  f32: {
    6: ['winogradTransformInput', 'winogradMultiply', 'winogradTransformOutput'],
    8: ['winograd6TransformInput', 'winogradMultiply', 'winograd6TransformOutput'],
    9: ['winogradStride2TransformInput', 'winogradMultiply', 'winogradStride2TransformOutput'],
  },
  i16: {
    6: ['winogradTransformInput16', 'winogradMultiply16', 'winogradTransformOutput'],
    8: ['winograd6TransformInput16', 'winogradMultiply16', 'winograd6TransformOutput'],
    9: ['winogradStride2TransformInput16', 'winogradMultiply16', 'winogradStride2TransformOutput'],
  },
} as const satisfies Record<string, Record<Tiling['side'], readonly KernelName[]>>;

/**
 * The job of a Winograd convolution: what its kernels need and what does not change while it runs.
 */
export function winogradJob(
  stage: ConvStage,
  { workspace, packed }: Pick<StageContext, 'workspace' | 'packed'>,
  row = 0,
  tile = 0,
): JobFields {
  const { cin, cout, weightsPtr, biasPtr, scalesPtr, flatPtr, isLate } = packed as PackedConv;
  const tiling = tilingOf(stage);
  const is16 = scalesPtr !== undefined;
  const rowsPtr = workspace.rowsPtr + row * TABLE_ROWS * PTR_BYTES;
  return [
    [JOB_CIN, cin],
    [JOB_COUT, cout],
    [JOB_WEIGHTS, isLate ? workspace.uPtr : weightsPtr],
    [JOB_WEIGHTS_STRIDE, isLate ? uStrideOf(cin) : cin * GROUP_BYTES],
    [JOB_BIAS, biasPtr],
    [JOB_INPUT_ROWS, rowsPtr],
    [JOB_OUTPUT_ROWS, rowsPtr + MAX_INPUT_ROWS * PTR_BYTES],
    [JOB_V, workspace.vPtr + tile * (is16 ? V16_TILE_BYTES : V_TILE_BYTES)],
    [JOB_V_STRIDE, is16 ? v16StrideOf(tiling) : vStrideOf(tiling)],
    [JOB_V_CHUNK, is16 ? vChunkOf(tiling) / 2 : vChunkOf(tiling)],
    [JOB_M, workspace.mPtr + tile * GROUP_BYTES],
    [JOB_M_STRIDE, mStrideOf(tiling)],
    [JOB_COLUMNS, workspace.columnsPtr],
    [JOB_COLUMNS_STRIDE, columnsStrideOf(tiling)],
    [JOB_TILE, workspace.tilePtr],
    [JOB_SIDE, tiling.side],
    [JOB_UPSAMPLE, stage.upsample ? 1 : 0],
    [JOB_ADD, stage.add === undefined ? 0 : 1],
    [JOB_RELU, stage.relu ? 1 : 0],
    [JOB_SCALES, workspace.scalesPtr + tile * F32_BYTES],
    [JOB_SCALES_STRIDE, scalesStrideOf(tiling)],
    [JOB_SCALES_CHUNK, scalesChunkOf(tiling)],
    [JOB_WEIGHT_SCALES, scalesPtr ?? 0],
    [JOB_V_FLAT, flatPtr === undefined ? 0 : workspace.flatPtr + tile * V_TILE_BYTES],
    [JOB_WEIGHTS_FLAT, flatPtr ?? 0],
  ];
}

/**
 * Writes the addresses of the rows that the kernels read, write and add for the row of tiles that
 * begins at row `y` of the output.
 */
function fillRowTable(
  { conv, upsample, tile }: ConvStage,
  y: number,
  row: number,
  { memory, workspace, input, output, add }: StageContext,
): void {
  const rows = memory.u32(workspace.rowsPtr + row * TABLE_ROWS * PTR_BYTES, TABLE_ROWS);
  const above = conv.stride * y - 1;
  for (let r = 0; r < MAX_INPUT_ROWS; r++) {
    rows[r] = input.row(upsample ? Math.floor((above + r) / 2) : above + r);
  }
  for (let r = 0; r < tile; r++) {
    const inside = y + r < output.height;
    rows[MAX_INPUT_ROWS + r] = inside ? output.row(y + r) : workspace.discardRowPtr;
    if (add !== undefined) rows[MAX_INPUT_ROWS + tile + r] = add.row(y + r);
  }
}
