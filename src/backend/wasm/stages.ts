import type { Span } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { type PackedConv, winogradPoints } from './pack.ts';
import { type ConvStage, GROUP, isWinograd, MOST_CIN, type Stage, TILE } from './plan.ts';
import type { Ring } from './ring.ts';

/*
 * What each kind of stage does to a span of rows: which kernel it calls on which addresses.
 */

/** Tiles side by side that go through a Winograd convolution's three steps together. */
const BLOCK_TILES = 24;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
const POINTS = 36;
/** Addresses of rows: six of the input; four of the output, four to add. */
const OUTPUT_ROWS_BYTES = 6 * Uint32Array.BYTES_PER_ELEMENT;
const ROW_TABLE_BYTES = OUTPUT_ROWS_BYTES + 2 * TILE * Uint32Array.BYTES_PER_ELEMENT;
/** Beside the 36 parts of a block: 4× slower without, as 36 streams a power of two apart share one L1 set. */
const POINT_PAD_BYTES = 320;

/** The buffers that every convolution of a network works in. */
export interface Workspace {
  readonly rowTablePtr: number;
  readonly vPtr: number;
  readonly mPtr: number;
  readonly columnsPtr: number;
  readonly tilePtr: number;
  readonly mostPtr: number;
  readonly scalesPtr: number;
  /** Where rows below the picture's edge go. */
  readonly discardRowPtr: number;
}

/** @param channels  the most that any Winograd stage has in or out */
export function allocateWorkspace(
  memory: Memory,
  channels: number,
  widestRowBytes: number,
): Workspace {
  const cin = Math.max(channels, GROUP);
  return {
    rowTablePtr: memory.allocate('row table', ROW_TABLE_BYTES),
    vPtr: memory.allocate('tiles', POINTS * V_STRIDE),
    mPtr: memory.allocate('tiles', POINTS * M_STRIDE),
    columnsPtr: memory.allocate('tiles', 6 * columnsStrideOf(cin)),
    tilePtr: memory.allocate('tiles', 4 * 6 * 4 * F32_BYTES),
    mostPtr: memory.allocate('tiles', 6 * MOST_STRIDE),
    scalesPtr: memory.allocate('tiles', POINTS * SCALES_STRIDE),
    discardRowPtr: memory.allocate('row', widestRowBytes),
  };
}

/** Bytes from one point's part of a block to the next: of its input, and of one group's products. */
const V_STRIDE = BLOCK_TILES * MOST_CIN * F32_BYTES + POINT_PAD_BYTES;
const M_STRIDE = BLOCK_TILES * GROUP * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one row of the input transform's scratch to the next. */
const columnsStrideOf = (cin: number): number =>
  (TILE * BLOCK_TILES + 2) * cin * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one row of columns' largest magnitudes to the next. */
const MOST_STRIDE = (TILE * BLOCK_TILES + 2) * F32_BYTES;

/** Bytes from one point's scales to the next. */
const SCALES_STRIDE = BLOCK_TILES * F32_BYTES;

/** All that a stage needs to run. */
export interface StageContext {
  readonly memory: Memory;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly input: Ring;
  readonly output: Ring;
  /** The map that is added, where the stage adds one. */
  readonly add: Ring | undefined;
  readonly packed: PackedConv | undefined;
}

/** Makes rows `span` of a stage's output. */
export function runStage(stage: Stage, span: Span, context: StageContext): void {
  const { kernels, input, output } = context;
  if (stage.kind === 'conv') {
    if (isWinograd(stage.conv)) {
      for (let y = span.first; y < span.end; y += TILE) winograd(stage, y, context);
    } else for (let y = span.first; y < span.end; y++) directRow(stage, y, context);
    return;
  }
  for (let y = span.first; y < span.end; y++) {
    const target = output.row(y);
    if (stage.kind === 'upsample2x') {
      kernels.upsample2x(target, input.row(y >> 1), input.width, input.channels);
    } else {
      kernels.copy(target, input.row(y), output.count);
      if (stage.kind === 'relu') kernels.relu(target, output.count);
      else kernels.clamp(target, output.count, stage.magnitude);
    }
  }
}

/** One row of a direct convolution; skip connection and ReLU follow while it is in the cache. */
function directRow({ conv, relu }: ConvStage, y: number, context: StageContext): void {
  const { kernels, input, output, add, packed } = context;
  const { weightsPtr, biasPtr, cin, cout } = packed as PackedConv;
  const target = output.row(y);
  const center = y * conv.stride;
  if (conv.kernel === 1) {
    kernels.conv1x1(
      target,
      input.row(center),
      weightsPtr,
      biasPtr,
      output.width,
      cin,
      cout,
      conv.stride,
    );
  } else {
    const conv3x3 = conv.stride === 1 ? kernels.conv3x3 : kernels.conv3x3Stride2;
    const [above, here, below] = [-1, 0, 1].map((dy) => input.row(center + dy));
    conv3x3(target, above, here, below, weightsPtr, biasPtr, output.width, cin, cout);
  }
  if (add !== undefined) kernels.add(target, add.row(y), output.count);
  if (relu) kernels.relu(target, output.count);
}

/** A row of tiles, four rows of output, of a Winograd convolution. */
function winograd({ upsample, relu }: ConvStage, y: number, context: StageContext): void {
  const { memory, kernels, workspace, input, output, add, packed } = context;
  const { rowTablePtr, mPtr, tilePtr, discardRowPtr } = workspace;
  const { cin, cout, biasPtr, scalesPtr } = packed as PackedConv;
  const inputRows = memory.u32(rowTablePtr, 6);
  const outputRowsPtr = rowTablePtr + OUTPUT_ROWS_BYTES;
  const outputRows = memory.u32(outputRowsPtr, 2 * TILE);
  for (let r = 0; r < 6; r++) {
    const inputY = y + r - 1;
    inputRows[r] = input.row(upsample ? Math.floor(inputY / 2) : inputY);
  }
  for (let r = 0; r < TILE; r++) {
    const inside = y + r < output.height;
    outputRows[r] = inside ? output.row(y + r) : discardRowPtr;
    if (add !== undefined) outputRows[TILE + r] = add.row(y + r);
  }
  const steps = scalesPtr === undefined ? stepsF32 : steps16;
  const { transform, multiply } = steps(context, upsample ? 1 : 0);
  // A tile begins one pixel left of its first output: at the slot's zero pixel for the first.
  const inputStep = (upsample ? TILE / 2 : TILE) * cin * F32_BYTES;
  const outputStep = TILE * cout * F32_BYTES;
  const tiles = Math.ceil(output.width / TILE);
  for (let first = 0; first < tiles; first += BLOCK_TILES) {
    const count = Math.min(BLOCK_TILES, tiles - first);
    transform(first * inputStep, count);
    const outputOffset = first * outputStep + cout * F32_BYTES;
    const touched = add === undefined ? TILE : 2 * TILE;
    kernels.touchRows(outputRowsPtr, touched, outputOffset, count * outputStep, tilePtr);
    for (let group = 0; group < cout / GROUP; group++) {
      multiply(group, count);
      kernels.winogradTransformOutput(
        outputRowsPtr,
        outputOffset + group * GROUP * F32_BYTES,
        mPtr,
        M_STRIDE,
        tilePtr,
        biasPtr + group * GROUP * F32_BYTES,
        count,
        cout,
        add === undefined ? 0 : 1,
        relu ? 1 : 0,
      );
    }
  }
  if (output.width % TILE === 0) return;
  for (let r = 0; r < TILE && y + r < output.height; r++) output.clearMargin(memory, y + r);
}

/** The two inner steps for a block of tiles: rows of the row table to points, points to one group's products. */
interface WinogradSteps {
  transform(offset: number, tiles: number): void;
  multiply(group: number, tiles: number): void;
}

function stepsF32({ kernels, workspace, packed }: StageContext, upsample: 0 | 1): WinogradSteps {
  const { rowTablePtr, vPtr, mPtr, columnsPtr } = workspace;
  const { cin, weightsPtr } = packed as PackedConv;
  const vStride = V_STRIDE;
  const groupBytes = winogradPoints(upsample === 1) * GROUP * cin * F32_BYTES;
  const columns = columnsStrideOf(cin);
  return {
    transform(offset, tiles) {
      kernels.winogradTransformInput(
        vPtr,
        vStride,
        rowTablePtr,
        offset,
        columnsPtr,
        columns,
        tiles,
        cin,
        upsample,
      );
    },
    multiply(group, tiles) {
      const uPtr = weightsPtr + group * groupBytes;
      kernels.winogradMultiply(mPtr, M_STRIDE, vPtr, vStride, uPtr, tiles, cin, upsample);
    },
  };
}

/** The same with 16-bit products. */
function steps16({ kernels, workspace, packed }: StageContext, upsample: 0 | 1): WinogradSteps {
  const { rowTablePtr, vPtr, mPtr, columnsPtr, mostPtr, scalesPtr } = workspace;
  const { cin, weightsPtr, scalesPtr: uScalesPtr } = packed as PackedConv;
  const vStride = V_STRIDE / 2;
  const points = winogradPoints(upsample === 1);
  const groupBytes = points * GROUP * cin * Int16Array.BYTES_PER_ELEMENT;
  const columns = columnsStrideOf(cin);
  return {
    transform(offset, tiles) {
      kernels.winogradTransformInput16(
        vPtr,
        vStride,
        scalesPtr,
        SCALES_STRIDE,
        rowTablePtr,
        offset,
        columnsPtr,
        columns,
        mostPtr,
        MOST_STRIDE,
        tiles,
        cin,
        upsample,
      );
    },
    multiply(group, tiles) {
      kernels.winogradMultiply16(
        mPtr,
        M_STRIDE,
        vPtr,
        vStride,
        scalesPtr,
        SCALES_STRIDE,
        weightsPtr + group * groupBytes,
        (uScalesPtr as number) + group * points * GROUP * F32_BYTES,
        tiles,
        cin,
        upsample,
      );
    },
  };
}
