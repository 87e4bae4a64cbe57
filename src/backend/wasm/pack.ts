import type { BoundNetwork } from '../../model/bind.ts';
import type { Tensor } from '../../tensor.ts';
import type { Precision } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { type ConvStage, GROUP, isWinograd } from './plan.ts';
import { paddedChannels } from './ring.ts';

/** A convolution's numbers in the kernels' memory, in the order in which its kernel reads them. */
export interface PackedConv {
  /** As stored in the rings: multiples of 4. */
  readonly cin: number;
  readonly cout: number;
  readonly weightsPtr: number;
  /** f32 [cout / 16][points][16]: the scales of 16-bit weights; undefined where the weights are f32. */
  readonly scalesPtr: number | undefined;
  /** f32 [cout]; zeros where the convolution has none. */
  readonly biasPtr: number;
}

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Output channels side by side in the weights of the direct kernels: tiles of 8, where 4 remain one of 4. */
const TILE_COUT = 8;

/** Points of a Winograd tile. */
const ALL_POINTS = 36;

/**
 * Lays a stage's weights out for its kernel.
 *
 * @throws TaesdError LIMIT, OOM
 */
export function packConv(
  memory: Memory,
  kernels: Kernels,
  network: BoundNetwork,
  { conv, layer, name, upsample }: ConvStage,
  precision: Precision,
): PackedConv {
  const prefix = name === '' ? '' : `${name}.`;
  const { weights } = network[layer];
  const weight = weights.get(`${prefix}weight`) as Tensor;
  const cin = paddedChannels(conv.cin);
  const cout = paddedChannels(conv.cout);
  const biasPtr = memory.allocate('bias', cout * F32_BYTES);
  memory.f32(biasPtr, cout).fill(0);
  const bias = weights.get(`${prefix}bias`);
  if (bias !== undefined) memory.f32(biasPtr, cout).set(bias.data);
  if (!isWinograd(conv)) {
    const weightsPtr = packDirect(memory, weight, cin, cout);
    return { cin, cout, weightsPtr, scalesPtr: undefined, biasPtr };
  }
  const pack = precision === 'fast' ? packWinograd16 : packWinograd;
  return { cin, cout, ...pack(memory, kernels, weight, upsample), biasPtr };
}

/** Points that a convolution multiplies at: on an upsampled map, those of row or column 2 are always 0. */
export const winogradPoints = (upsample: boolean): number => (upsample ? 25 : 36);

/** [cout, cin, 3, 3] → f32 [cout / 16][points][2][cin][8], transformed by a kernel. */
function packWinograd(
  memory: Memory,
  kernels: Kernels,
  { shape, data }: Tensor,
  upsample: boolean,
) {
  const [cout, cin] = shape;
  const pointCount = GROUP * cin;
  const groups = cout / GROUP;
  const packedPoints = winogradPoints(upsample);
  const weightsPtr = memory.allocate('weights', groups * packedPoints * pointCount * F32_BYTES);
  const mark = memory.mark();
  const allPtr = memory.allocate('weights', groups * ALL_POINTS * pointCount * F32_BYTES);
  const plainPtr = memory.allocate('weights', data.length * F32_BYTES);
  const scratchPtr = memory.allocate('scratch', 6 * 3 * 4 * F32_BYTES);
  memory.f32(plainPtr, data.length).set(data);
  kernels.winogradTransformWeights(allPtr, plainPtr, scratchPtr, cin, cout);
  let targetPtr = weightsPtr;
  for (let point = 0; point < groups * ALL_POINTS; point++) {
    const [row, column] = [Math.floor((point % ALL_POINTS) / 6), point % 6];
    if (upsample && (row === 2 || column === 2)) continue;
    kernels.copy(targetPtr, allPtr + point * pointCount * F32_BYTES, pointCount);
    targetPtr += pointCount * F32_BYTES;
  }
  memory.release(mark);
  return { weightsPtr, scalesPtr: undefined };
}

/** The same, rounded to i16 [cout / 16][points][2][cin / 2][8][2] with a scale for each point and output channel. */
function packWinograd16(memory: Memory, kernels: Kernels, weight: Tensor, upsample: boolean) {
  const [cout, cin] = weight.shape;
  const count = winogradPoints(upsample) * cout;
  const weightsPtr = memory.allocate('weights', count * cin * Int16Array.BYTES_PER_ELEMENT);
  const scalesPtr = memory.allocate('weights', count * F32_BYTES);
  const mark = memory.mark();
  const plain = packWinograd(memory, kernels, weight, upsample);
  const tiles = count / TILE_COUT;
  kernels.winogradRoundWeights(weightsPtr, scalesPtr, plain.weightsPtr, cin, tiles);
  memory.release(mark);
  return { weightsPtr, scalesPtr };
}

/**
 * [cout, cin, k, k] → f32 [cout / 8][k][k · cin][8], and where 4 output channels remain, [k][k · cin / 4][4 out][4 in];
 * padding channels are zero.
 */
function packDirect(memory: Memory, { shape, data }: Tensor, cin: number, cout: number): number {
  const [trueCout, trueCin, kernel] = shape;
  const count = cout * cin * kernel * kernel;
  const packedPtr = memory.allocate('weights', count * F32_BYTES);
  const packed = memory.f32(packedPtr, count).fill(0);
  let source = 0;
  for (let o = 0; o < trueCout; o++) {
    const tileFirst = o - (o % TILE_COUT);
    const tile = tileFirst * cin * kernel * kernel;
    const inTile = o - tileFirst;
    const isWhole = tileFirst + TILE_COUT <= cout;
    for (let i = 0; i < trueCin; i++) {
      for (let position = 0; position < kernel * kernel; position++) {
        const k = position * cin + i;
        const at = isWhole ? k * TILE_COUT + inTile : (k - (k % 4)) * 4 + inTile * 4 + (k % 4);
        packed[tile + at] = data[source++];
      }
    }
  }
  return packedPtr;
}
