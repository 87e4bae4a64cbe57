import type { BoundNetwork } from '../../model/bind.ts';
import type { Conv } from '../../model/layers.ts';
import type { Tensor } from '../../tensor.ts';
import type { FoldedPool } from '../fold-pool.ts';
import type { ConvStage } from '../plan.ts';
import {
  F32_BYTES,
  GROUP,
  I16_BYTES,
  SIDE,
  TILE_COUT,
  UPSAMPLED_POINTS,
  WEIGHT_POINTS,
} from './layout.ts';
import type { Machine } from './machine.ts';
import type { Memory } from './memory.ts';
import { paddedChannels } from './ring.ts';

/** A convolution's numbers in the kernels' memory, in the order in which its kernel reads them. */
export interface PackedConv {
  /** Channels as the kernel takes them: as stored in the rings. */
  readonly cin: number;
  /** Channels as stored in the rings, but 3 more than a multiple of 8 stay 3. */
  readonly cout: number;
  readonly weightsPtr: number;
  /**
   * f32 [cout / 16][points][16]: the scales of 16-bit weights; undefined if the weights are f32.
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
  { conv, layer, name, winograd, upsample }: ConvStage,
  cin: number,
  products: Products,
): PackedConv {
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
    return { cin, cout, weightsPtr, scalesPtr: undefined, flatPtr: undefined, biasPtr };
  }
  const shape = { stride: conv.stride, upsample };
  const packed =
    products === 'f32'
      ? packWinograd(machine, weight, shape)
      : packWinograd16(machine, weight, shape, products === 'i16 but flat');
  return { cin, cout, ...packed, biasPtr };
}

/** The properties, beside the channels, that a Winograd convolution's weights depend on. */
interface WinogradShape {
  readonly stride: Conv['stride'];
  readonly upsample: boolean;
}

/** Points that a convolution has weights for. */
const winogradPoints = (upsample: boolean): number => (upsample ? UPSAMPLED_POINTS : WEIGHT_POINTS);

/** [cout, cin, 3, 3] → f32 [cout / 16][points][2][cin][8], transformed by a kernel. */
function packWinograd(
  { memory, kernels }: Machine,
  { shape, data }: Tensor,
  { stride, upsample }: WinogradShape,
) {
  const [cout, cin] = shape;
  const pointCount = GROUP * cin;
  const groups = cout / GROUP;
  const packedPoints = winogradPoints(upsample);
  const weightsPtr = memory.allocate('weights', groups * packedPoints * pointCount * F32_BYTES);
  const mark = memory.mark();
  const allPtr = memory.allocate('weights', groups * WEIGHT_POINTS * pointCount * F32_BYTES);
  const plainPtr = memory.allocate('weights', data.length * F32_BYTES);
  const scratchPtr = memory.allocate('scratch', SIDE * 3 * 4 * F32_BYTES);
  memory.f32(plainPtr, data.length).set(data);
  kernels.winogradTransformWeights(allPtr, plainPtr, scratchPtr, cin, cout, stride);
  let targetPtr = weightsPtr;
  for (let point = 0; point < groups * WEIGHT_POINTS; point++) {
    const [row, column] = [Math.floor((point % WEIGHT_POINTS) / SIDE), point % SIDE];
    if (upsample && (row === 2 || column === 2)) continue;
    kernels.copy(targetPtr, allPtr + point * pointCount * F32_BYTES, pointCount);
    targetPtr += pointCount * F32_BYTES;
  }
  memory.release(mark);
  return { weightsPtr, scalesPtr: undefined, flatPtr: undefined };
}

/**
 * [cout, cin, 3, 3] → i16 [cout / 16][points][2][cin / 2][8][2]: the numbers of `packWinograd`,
 * rounded, with a scale for each point and output channel.
 */
function packWinograd16(
  machine: Machine,
  weight: Tensor,
  shape: WinogradShape,
  isFlatKept: boolean,
) {
  const { memory, kernels } = machine;
  const [cout, cin] = weight.shape;
  const groups = cout / GROUP;
  const points = winogradPoints(shape.upsample);
  const count = points * cout;
  const weightsPtr = memory.allocate('weights', count * cin * I16_BYTES);
  const scalesPtr = memory.allocate('weights', count * F32_BYTES);
  const flatCount = isFlatKept && shape.stride === 1 ? GROUP * cin : 0;
  const flatPtr = memory.allocate('weights', groups * flatCount * F32_BYTES);
  const mark = memory.mark();
  const plain = packWinograd(machine, weight, shape);
  kernels.winogradRoundWeights(weightsPtr, scalesPtr, plain.weightsPtr, cin, count / TILE_COUT);
  for (let group = 0; group < groups; group++) {
    const fromPtr =
      plain.weightsPtr + (group * points + flatPoint(shape)) * GROUP * cin * F32_BYTES;
    kernels.copy(flatPtr + group * flatCount * F32_BYTES, fromPtr, flatCount);
  }
  memory.release(mark);
  return { weightsPtr, scalesPtr, flatPtr: flatCount > 0 ? flatPtr : undefined };
}

/** The number of point (1, 1) among those that have weights. */
const flatPoint = ({ upsample }: WinogradShape): number => (upsample ? 6 : 7);

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
