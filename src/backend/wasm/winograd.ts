import type { ConvStage } from '../plan.ts';
import { TILE } from '../rows-needed.ts';
import type { Kernels } from './kernels.ts';
import { type PackedConv, winogradPoints } from './pack.ts';
import { GROUP } from './plan-rules.ts';
import type { StageContext, StageRunner } from './stages.ts';
import {
  columnsStrideOf,
  mostStrideOf,
  mStrideOf,
  scalesStrideOf,
  TABLE_INPUT_ROWS,
  type Tiling,
  tilingOf,
  vStrideOf,
} from './workspace.ts';

/*
 * A Winograd convolution over a row of tiles: block by block, the input's transform, then for each group of output channels
 * the products and the output's transform.
 */

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

export function prepareWinograd(stage: ConvStage, context: StageContext): StageRunner {
  const { memory, kernels, workspace, output, add, packed } = context;
  const { tilePtr, rowTablePtr } = workspace;
  const { cin, cout, scalesPtr } = packed as PackedConv;
  const { step, blockTiles } = tilingOf(stage);
  const prepare = scalesPtr === undefined ? prepareF32 : prepare16;
  const { transform, multiply, finish } = prepare(stage, context);
  const rows = memory.u32(rowTablePtr, TABLE_INPUT_ROWS + 2 * TILE);
  const outputRowsPtr = rowTablePtr + TABLE_INPUT_ROWS * Uint32Array.BYTES_PER_ELEMENT;
  // A tile begins one pixel left of its first output: at the slot's zero pixel for the first.
  const inputStep = step * cin * F32_BYTES;
  const outputStep = TILE * cout * F32_BYTES;
  const tiles = Math.ceil(output.width / TILE);
  const groups = cout / GROUP;
  const touched = add === undefined ? TILE : 2 * TILE;
  const isCut = output.width % TILE !== 0;

  return (span) => {
    for (let y = span.first; y < span.end; y += TILE) {
      fillRowTable(rows, stage, y, context);
      for (let first = 0; first < tiles; first += blockTiles) {
        const count = Math.min(blockTiles, tiles - first);
        transform(first * inputStep, count);
        const outputOffset = first * outputStep + cout * F32_BYTES;
        kernels.touchRows(outputRowsPtr, touched, outputOffset, count * outputStep, tilePtr);
        for (let group = 0; group < groups; group++) {
          multiply(group, count);
          finish(group, outputRowsPtr, outputOffset, count);
        }
      }
      if (!isCut) continue;
      for (let r = 0; r < TILE && y + r < output.height; r++) output.clearMargin(memory, y + r);
    }
  };
}

/** Writes the addresses of the rows that the kernels read, write and add for rows `y` to `y + 3` of the output. */
function fillRowTable(
  rows: Uint32Array,
  { conv, upsample }: ConvStage,
  y: number,
  { workspace, input, output, add }: StageContext,
): void {
  const above = conv.stride * y - 1;
  for (let r = 0; r < TABLE_INPUT_ROWS; r++) {
    rows[r] = input.row(upsample ? Math.floor((above + r) / 2) : above + r);
  }
  for (let r = 0; r < TILE; r++) {
    const inside = y + r < output.height;
    rows[TABLE_INPUT_ROWS + r] = inside ? output.row(y + r) : workspace.discardRowPtr;
    if (add !== undefined) rows[TABLE_INPUT_ROWS + TILE + r] = add.row(y + r);
  }
}

/** The steps for a block of tiles: rows of the input to points, points to one group's products, those to rows. */
interface WinogradSteps {
  transform(offset: number, tiles: number): void;
  multiply(group: number, tiles: number): void;
  finish(group: number, rowsPtr: number, offset: number, tiles: number): void;
}

function prepareF32(stage: ConvStage, context: StageContext): WinogradSteps {
  const { kernels, workspace, packed } = context;
  const { rowTablePtr, vPtr, mPtr, columnsPtr } = workspace;
  const { cin, weightsPtr } = packed as PackedConv;
  const tiling = tilingOf(stage);
  const { side } = tiling;
  const upsample = stage.upsample ? 1 : 0;
  const vStride = vStrideOf(tiling);
  const mStride = mStrideOf(tiling);
  const columns = columnsStrideOf(tiling, cin);
  const groupBytes = winogradPoints(stage.upsample) * GROUP * cin * F32_BYTES;
  const transformInput: Kernels['winogradTransformInput'] =
    stage.conv.stride === 1
      ? kernels.winogradTransformInput
      : kernels.winogradStride2TransformInput;
  return {
    transform(offset, tiles) {
      transformInput(vPtr, vStride, rowTablePtr, offset, columnsPtr, columns, tiles, cin, upsample);
    },
    multiply(group, tiles) {
      const uPtr = weightsPtr + group * groupBytes;
      kernels.winogradMultiply(mPtr, mStride, vPtr, vStride, uPtr, tiles, cin, side, upsample);
    },
    finish: finishStep(stage, tiling, context),
  };
}

/** The same with 16-bit products. */
function prepare16(stage: ConvStage, context: StageContext): WinogradSteps {
  const { kernels, workspace, packed } = context;
  const { rowTablePtr, vPtr, mPtr, columnsPtr, mostPtr, scalesPtr, tilePtr, flatPtr } = workspace;
  const { cin, weightsPtr, scalesPtr: uScalesPtr, flatPtr: uFlatPtr } = packed as PackedConv;
  const tiling = tilingOf(stage);
  const { side } = tiling;
  const upsample = stage.upsample ? 1 : 0;
  const vStride = vStrideOf(tiling) / 2;
  const mStride = mStrideOf(tiling);
  const columns = columnsStrideOf(tiling, cin);
  const scales = scalesStrideOf(tiling);
  const most = mostStrideOf(tiling);
  const points = winogradPoints(stage.upsample);
  const groupBytes = points * GROUP * cin * Int16Array.BYTES_PER_ELEMENT;
  const transform = (offset: number, tiles: number) => {
    if (stage.conv.stride === 1) {
      kernels.winogradTransformInput16(
        vPtr,
        vStride,
        scalesPtr,
        scales,
        rowTablePtr,
        offset,
        columnsPtr,
        columns,
        mostPtr,
        most,
        tilePtr,
        uFlatPtr === undefined ? 0 : flatPtr,
        tiles,
        cin,
        upsample,
      );
    } else {
      kernels.winogradStride2TransformInput16(
        vPtr,
        vStride,
        scalesPtr,
        scales,
        rowTablePtr,
        offset,
        columnsPtr,
        columns,
        tilePtr,
        tiles,
        cin,
      );
    }
  };
  return {
    transform,
    multiply(group, tiles) {
      kernels.winogradMultiply16(
        mPtr,
        mStride,
        vPtr,
        vStride,
        scalesPtr,
        scales,
        weightsPtr + group * groupBytes,
        (uScalesPtr as number) + group * points * GROUP * F32_BYTES,
        flatPtr,
        uFlatPtr === undefined ? 0 : uFlatPtr + group * GROUP * cin * F32_BYTES,
        tiles,
        cin,
        side,
        upsample,
      );
    },
    finish: finishStep(stage, tiling, context),
  };
}

function finishStep(
  { conv, add, relu }: ConvStage,
  tiling: Tiling,
  { kernels, workspace, packed }: StageContext,
): WinogradSteps['finish'] {
  const { mPtr, tilePtr } = workspace;
  const { cout, biasPtr } = packed as PackedConv;
  const mStride = mStrideOf(tiling);
  const addFlag = add === undefined ? 0 : 1;
  const reluFlag = relu ? 1 : 0;
  const biasOf = (group: number) => biasPtr + group * GROUP * F32_BYTES;
  const channel = (group: number) => group * GROUP * F32_BYTES;
  if (conv.stride === 2) {
    return (group, rowsPtr, offset, tiles) =>
      kernels.winogradStride2TransformOutput(
        rowsPtr,
        offset + channel(group),
        mPtr,
        mStride,
        tilePtr,
        biasOf(group),
        tiles,
        cout,
        reluFlag,
      );
  }
  return (group, rowsPtr, offset, tiles) =>
    kernels.winogradTransformOutput(
      rowsPtr,
      offset + channel(group),
      mPtr,
      mStride,
      tilePtr,
      biasOf(group),
      tiles,
      cout,
      addFlag,
      reluFlag,
    );
}
