import type { BoundNetwork } from '../../model/bind.ts';
import type { Tensor } from '../../tensor.ts';
import type { FoldedPool } from '../fold-pool.ts';
import type { ConvStage } from '../plan.ts';
import { LARGE_TILE } from '../tile.ts';
import {
  CHUNK,
  F32_BYTES,
  GROUP,
  I16_BYTES,
  LARGE_SIDE,
  SIDE,
  TILE_COUT,
  TILE_COUT_BYTES,
} from './layout.ts';
import type { Machine } from './machine.ts';
import type { Memory } from './memory.ts';
import { paddedChannels } from './ring.ts';
import { isLate, weightPoints } from './workspace.ts';

/** A convolution's numbers in the kernels' memory, in the order in which its kernel reads them. */
export interface PackedConv {
  /** Channels as the kernel takes them: as stored in the rings. */
  readonly cin: number;
  /** Channels as stored in the rings, but 3 more than a multiple of 8 stay 3. */
  readonly cout: number;
  readonly weightsPtr: number;
  /** True if the weights are not transformed yet. */
  readonly isLate: boolean;
  /**
   * f32 [cout / 16][points][2][chunks][8]: the scales of 16-bit weights; undefined if the weights
   * are f32.
   */
  readonly scalesPtr: number | undefined;
  /**
   * f32 [cout / 16][2][cin][8]: unrounded weights at point (1, 1), beside 16-bit ones if they are
   * wanted.
   */
  readonly flatPtr: number | undefined;
  /** f32 [cout]; zeros if the convolution has none. */
  readonly biasPtr: number;
}

/**
 * How a convolution multiplies: in `f32`; with 16-bit products, `i16`; or with those, but in f32 at
 * the one point that flat regions come down to, `i16 but flat` (assembly/winograd16.ts). Direct
 * convolutions always multiply in f32.
 */
export type Products = 'f32' | 'i16' | 'i16 but flat';

/**
 * Lays a stage's weights out for its kernel.
 *
 * @param cin  the input's channels as they are stored
 * @throws TaesdError LIMIT, OOM
 */
export function packConv(
  machine: Machine,
  network: BoundNetwork,
  stage: ConvStage,
  cin: number,
  products: Products,
): PackedConv {
  const { conv, layer, name, winograd } = stage;
  const { memory } = machine;
  const prefix = name === '' ? '' : `${name}.`;
  const { weights } = network[layer];
  const weight = weights.get(`${prefix}weight`) as Tensor;
  const cout = conv.cout % TILE_COUT === 3 ? conv.cout : paddedChannels(conv.cout);
  const biasPtr = memory.allocate('bias', paddedChannels(cout) * F32_BYTES);
  memory.f32(biasPtr, paddedChannels(cout)).fill(0);
  const bias = weights.get(`${prefix}bias`);
  if (bias !== undefined) memory.f32(biasPtr, cout).set(bias.data);
  if (!winograd) {
    const weightsPtr = packDirect(memory, weight, cin, cout);
    const none = { isLate: false, scalesPtr: undefined, flatPtr: undefined };
    return { cin, cout, weightsPtr, biasPtr, ...none };
  }
  if (products === 'f32' && isLate(stage)) {
    const weightsPtr = memory.allocate('weights', weight.data.length * F32_BYTES);
    layLate(memory.f32(weightsPtr, weight.data.length), weight);
    const none = { isLate: true, scalesPtr: undefined, flatPtr: undefined };
    return { cin, cout, weightsPtr, biasPtr, ...none };
  }
  const packed =
    products === 'f32'
      ? packWinograd(machine, weight, stage)
      : packWinograd16(machine, weight, stage, products === 'i16 but flat');
  return { cin, cout, ...packed, biasPtr };
}

/** [cout, cin, 3, 3] → f32 [cout / 16][points][2][cin][8], transformed by a kernel. */
function packWinograd(machine: Machine, weight: Tensor, stage: ConvStage) {
  const { memory } = machine;
  const [cout, cin] = weight.shape;
  const packedBytes = weightPoints(stage) * GROUP * cin * F32_BYTES;
  const groups = cout / GROUP;
  const weightsPtr = memory.allocate('weights', groups * packedBytes);
  const mark = memory.mark();
  const transform = groupTransform(machine, weight, stage);
  for (let group = 0; group < groups; group++) transform(group, weightsPtr + group * packedBytes);
  memory.release(mark);
  return { weightsPtr, isLate: false, scalesPtr: undefined, flatPtr: undefined };
}

/**
 * Allocates room to transform the weights of one group of output channels at a time: all of a wide
 * convolution's would take 12 MB beside the result.
 *
 * @returns a function that transforms a group's to f32 [points][2][cin][8] at an address
 */
function groupTransform(
  { memory, kernels }: Machine,
  { shape: [, cin], data }: Tensor,
  { conv, upsample, tile }: ConvStage,
) {
  const pointCount = GROUP * cin;
  const pointBytes = pointCount * F32_BYTES;
  const count = pointCount * 9;
  const isLarge = tile === LARGE_TILE;
  const side = isLarge ? LARGE_SIDE : SIDE;
  const allPtr = upsample ? memory.allocate('weights', side ** 2 * pointBytes) : 0;
  const plainPtr = memory.allocate('weights', count * F32_BYTES);
  const scratchPtr = memory.allocate(
    'scratch',
    side * 4 * 4 * F32_BYTES + side ** 2 * TILE_COUT_BYTES,
  );
  return (group: number, targetPtr: number): void => {
    memory.f32(plainPtr, count).set(data.subarray(group * count, (group + 1) * count));
    const outPtr = upsample ? allPtr : targetPtr;
    if (isLarge) kernels.winograd6TransformWeights(outPtr, plainPtr, scratchPtr, cin, GROUP);
    else kernels.winogradTransformWeights(outPtr, plainPtr, scratchPtr, cin, GROUP, conv.stride);
    if (!upsample) return;
    let ptr = targetPtr;
    for (let point = 0; point < side ** 2; point++) {
      if (Math.floor(point / side) === 2 || point % side === 2) continue;
      kernels.copy(ptr, allPtr + point * pointBytes, pointCount);
      ptr += pointBytes;
    }
  };
}

/**
 * [cout, cin, 3, 3] → i16 [cout / 16][points][2][cin / 2][8][2]: the numbers of `packWinograd`,
 * rounded, with a scale for each point and output channel.
 */
function packWinograd16(machine: Machine, weight: Tensor, stage: ConvStage, isFlatKept: boolean) {
  const { memory, kernels } = machine;
  const [cout, cin] = weight.shape;
  const groups = cout / GROUP;
  const count = weightPoints(stage) * GROUP;
  const groupBytes = count * cin * I16_BYTES;
  const scalesBytes = count * Math.ceil(cin / CHUNK) * F32_BYTES;
  const weightsPtr = memory.allocate('weights', groups * groupBytes);
  const scalesPtr = memory.allocate('weights', groups * scalesBytes);
  const flatCount = isFlatKept && stage.conv.stride === 1 ? GROUP * cin : 0;
  const flatPtr = memory.allocate('weights', groups * flatCount * F32_BYTES);
  const mark = memory.mark();
  const plainPtr = memory.allocate('weights', count * cin * F32_BYTES);
  const transform = groupTransform(machine, weight, stage);
  const flatFromPtr = plainPtr + flatPoint(stage) * GROUP * cin * F32_BYTES;
  for (let group = 0; group < groups; group++) {
    transform(group, plainPtr);
    const [u16Ptr, uScalesPtr] = [weightsPtr + group * groupBytes, scalesPtr + group * scalesBytes];
    kernels.winogradRoundWeights(u16Ptr, uScalesPtr, plainPtr, cin, count / TILE_COUT);
    kernels.copy(flatPtr + group * flatCount * F32_BYTES, flatFromPtr, flatCount);
  }
  memory.release(mark);
  return {
    weightsPtr,
    isLate: false,
    scalesPtr,
    flatPtr: flatCount > 0 ? flatPtr : undefined,
  };
}

/** [cout, cin, 3, 3] → f32 [cout / 16][cin][3][3][16] */
function layLate(packed: Float32Array, { shape: [cout, cin], data }: Tensor): void {
  const count = cin * 9;
  for (let o = 0; o < cout; o++) {
    const first = (o - (o % GROUP)) * count + (o % GROUP);
    for (let k = 0; k < count; k++) packed[first + k * GROUP] = data[o * count + k];
  }
}

/** The number of point (1, 1) among those that have weights. */
const flatPoint = (stage: ConvStage): number => Math.sqrt(weightPoints(stage)) + 1;

/**
 * [cout, cin, k, k] → f32 [cout / 8][k][k · cin][8], and if 3 or 4 output channels remain,
 * [k][k · cin / 4][3 or 4 out][4 in]. Padding channels are zero.
 */
function packDirect(memory: Memory, weight: Tensor, cin: number, cout: number): number {
  const [, , kernel] = weight.shape;
  const count = cout * cin * kernel * kernel;
  const packedPtr = memory.allocate('weights', count * F32_BYTES);
  layDirect(memory.f32(packedPtr, count).fill(0), weight, cin, cout);
  return packedPtr;
}

/**
 * Replaces the weights and the bias of a packed direct convolution. Its channels are multiples of
 * 8.
 */
export function repackPool(memory: Memory, packed: PackedConv, { weight, bias }: FoldedPool): void {
  const { cin, cout, weightsPtr, biasPtr } = packed;
  layDirect(memory.f32(weightsPtr, cin * cout), weight, cin, cout);
  memory.f32(biasPtr, cout).set(bias.data);
}

function layDirect(packed: Float32Array, { shape, data }: Tensor, cin: number, cout: number): void {
  const [trueCout, trueCin, kernel] = shape;
  let source = 0;
  for (let o = 0; o < trueCout; o++) {
    const tileFirst = o - (o % TILE_COUT);
    const tile = tileFirst * cin * kernel * kernel;
    const inTile = o - tileFirst;
    const tileCout = Math.min(TILE_COUT, cout - tileFirst);
    for (let i = 0; i < trueCin; i++) {
      for (let position = 0; position < kernel * kernel; position++) {
        const k = position * cin + i;
        const inWhole = k * TILE_COUT + inTile;
        const inRest = (k - (k % 4)) * tileCout + inTile * 4 + (k % 4);
        packed[tile + (tileCout === TILE_COUT ? inWhole : inRest)] = data[source++];
      }
    }
  }
}
