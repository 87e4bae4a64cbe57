import type { Span } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import type { PackedConv } from './pack.ts';
import { type ConvStage, isWinograd, type Stage, TILE } from './plan.ts';
import type { Ring } from './ring.ts';

/*
 * What each kind of stage does to a span of rows: which kernel it calls on which addresses.
 */

/** Tiles side by side that go through a Winograd convolution's three steps together. */
const BLOCK_TILES = 32;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
const POINTS = 36;
/** Rows of addresses: six in, or four out and four to add. */
const ROW_TABLE_BYTES = 8 * Uint32Array.BYTES_PER_ELEMENT;
/** Beside the 36 parts of a block: 4× slower without, as 36 streams a power of two apart share one L1 set. */
const POINT_PAD_BYTES = 320;

/** The buffers that every convolution of a network works in. */
export interface Workspace {
  readonly rowTablePtr: number;
  readonly vPtr: number;
  readonly mPtr: number;
  readonly columnsPtr: number;
  readonly tilePtr: number;
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
  const block = POINTS * pointStride(channels);
  return {
    rowTablePtr: memory.allocate('row table', ROW_TABLE_BYTES),
    vPtr: memory.allocate('tiles', block),
    mPtr: memory.allocate('tiles', block),
    columnsPtr: memory.allocate('tiles', 6 * wholeColumnsStride(channels)),
    tilePtr: memory.allocate('tiles', 6 * Math.max(channels, 16) * F32_BYTES),
    scalesPtr: memory.allocate('tiles', POINTS * SCALES_STRIDE),
    discardRowPtr: memory.allocate('row', widestRowBytes),
  };
}

/** Bytes from one point's part of a block to the next. */
const pointStride = (channels: number): number =>
  BLOCK_TILES * channels * F32_BYTES + POINT_PAD_BYTES;

/** Bytes from one row of the input transform's scratch to the next: 16 channels of each column. */
const COLUMNS_STRIDE = (TILE * BLOCK_TILES + 2) * 16 * F32_BYTES + 64;

/** The same for all channels at once, as the 16-bit transform works. */
const wholeColumnsStride = (channels: number): number =>
  (TILE * BLOCK_TILES + 2) * Math.max(channels, 16) * F32_BYTES + 64;

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
    if (isWinograd(stage.conv)) winograd(stage, span.first, context);
    else for (let y = span.first; y < span.end; y++) directRow(stage, y, context);
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
  const { cin, cout, biasPtr } = packed as PackedConv;
  const rows = memory.u32(rowTablePtr, 8);
  const tiles = Math.ceil(output.width / TILE);
  const multiply = (packed as PackedConv).scalesPtr === undefined ? multiplyF32 : multiply16;
  // A tile begins one pixel left of its first output: at the slot's zero pixel for the first.
  const inputStep = (upsample ? TILE / 2 : TILE) * cin * F32_BYTES;
  const outputStep = TILE * cout * F32_BYTES;
  for (let first = 0; first < tiles; first += BLOCK_TILES) {
    const count = Math.min(BLOCK_TILES, tiles - first);
    for (let r = 0; r < 6; r++) {
      const inputY = y + r - 1;
      rows[r] = input.row(upsample ? Math.floor(inputY / 2) : inputY);
    }
    multiply(context, first * inputStep, count, upsample ? 1 : 0);
    for (let r = 0; r < TILE; r++) {
      const inside = y + r < output.height;
      rows[r] = inside ? output.row(y + r) : discardRowPtr;
      if (add !== undefined) rows[TILE + r] = add.row(y + r);
    }
    kernels.winogradTransformOutput(
      rowTablePtr,
      first * outputStep + cout * F32_BYTES,
      mPtr,
      pointStride(cout),
      tilePtr,
      biasPtr,
      count,
      cout,
      add === undefined ? 0 : 1,
      relu ? 1 : 0,
    );
  }
  if (output.width % TILE === 0) return;
  for (let r = 0; r < TILE && y + r < output.height; r++) output.clearMargin(memory, y + r);
}

/** From the rows of the row table to the products in `workspace.mPtr`, in f32. */
function multiplyF32(
  { kernels, workspace, packed }: StageContext,
  offset: number,
  tiles: number,
  upsample: 0 | 1,
): void {
  const { rowTablePtr, vPtr, mPtr, columnsPtr } = workspace;
  const { cin, cout, weightsPtr } = packed as PackedConv;
  const vStride = pointStride(cin);
  kernels.winogradTransformInput(
    vPtr,
    vStride,
    rowTablePtr,
    offset,
    columnsPtr,
    COLUMNS_STRIDE,
    tiles,
    cin,
    upsample,
  );
  const mStride = pointStride(cout);
  kernels.winogradMultiply(mPtr, mStride, vPtr, vStride, weightsPtr, tiles, cin, cout, upsample);
}

/** The same with 16-bit products. */
function multiply16(
  { kernels, workspace, packed }: StageContext,
  offset: number,
  tiles: number,
  upsample: 0 | 1,
): void {
  const { rowTablePtr, vPtr, mPtr, columnsPtr, tilePtr, scalesPtr } = workspace;
  const { cin, cout, weightsPtr } = packed as PackedConv;
  const uScalesPtr = (packed as PackedConv).scalesPtr as number;
  const vStride = pointStride(cin) / 2;
  kernels.winogradTransformInput16(
    vPtr,
    vStride,
    scalesPtr,
    SCALES_STRIDE,
    rowTablePtr,
    offset,
    columnsPtr,
    wholeColumnsStride(cin),
    tilePtr,
    tiles,
    cin,
    upsample,
  );
  kernels.winogradMultiply16(
    mPtr,
    pointStride(cout),
    vPtr,
    vStride,
    scalesPtr,
    SCALES_STRIDE,
    weightsPtr,
    uScalesPtr,
    tiles,
    cin,
    cout,
    upsample,
  );
}
