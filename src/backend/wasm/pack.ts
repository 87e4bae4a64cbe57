import type { BoundNetwork } from '../../model/bind.ts';
import type { Conv } from '../../model/layers.ts';
import type { Tensor } from '../../tensor.ts';
import type { ConvStage } from '../plan.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { GROUP } from './plan-rules.ts';
import { paddedChannels } from './ring.ts';

/** A convolution's numbers in the kernels' memory, in the order in which its kernel reads them. */
export interface PackedConv {
  /** As the kernel takes them: as stored in the rings, but 3 output channels more than a multiple of 8 stay 3. */
  readonly cin: number;
  readonly cout: number;
  readonly weightsPtr: number;
  /** f32 [cout / 16][points][16]: the scales of 16-bit weights; undefined where the weights are f32. */
  readonly scalesPtr: number | undefined;
  /** f32 [cout / 16][2][cin][8]: beside 16-bit weights, those at point (1, 1), where they are wanted unrounded. */
  readonly flatPtr: number | undefined;
  /** f32 [cout]; zeros where the convolution has none. */
  readonly biasPtr: number;
}

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Output channels side by side in the weights of the direct kernels, but for a last tile of 3 or 4. */
const TILE_COUT = 8;

/** Points of a Winograd tile. */
const ALL_POINTS = 36;

/**
 * How a convolution multiplies: in `f32`; with 16-bit products, `i16`; or with those, but in f32 at the one point that
 * flat regions come down to, `i16 but flat` (assembly/winograd16.ts). Direct convolutions multiply in f32 always.
 */
export type Products = 'f32' | 'i16' | 'i16 but flat';

/**
 * Lays a stage's weights out for its kernel.
 *
 * @param cin  the input's channels as they are stored
 * @throws TaesdError LIMIT, OOM
 */
export function packConv(
  memory: Memory,
  kernels: Kernels,
  network: BoundNetwork,
  { conv, layer, name, winograd, upsample }: ConvStage,
  cin: number,
  products: Products,
): PackedConv {
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
      ? packWinograd(memory, kernels, weight, shape)
      : packWinograd16(memory, kernels, weight, shape, products === 'i16 but flat');
  return { cin, cout, ...packed, biasPtr };
}

/** What, beside the channels, a Winograd convolution's weights depend on. */
interface WinogradShape {
  readonly stride: Conv['stride'];
  readonly upsample: boolean;
}

/** Points that a convolution multiplies at: on an upsampled map, those of row or column 2 are always 0. */
export const winogradPoints = (upsample: boolean): number => (upsample ? 25 : 36);

/** [cout, cin, 3, 3] → f32 [cout / 16][points][2][cin][8], transformed by a kernel. */
function packWinograd(
  memory: Memory,
  kernels: Kernels,
  { shape, data }: Tensor,
  { stride, upsample }: WinogradShape,
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
  kernels.winogradTransformWeights(allPtr, plainPtr, scratchPtr, cin, cout, stride);
  let targetPtr = weightsPtr;
  for (let point = 0; point < groups * ALL_POINTS; point++) {
    const [row, column] = [Math.floor((point % ALL_POINTS) / 6), point % 6];
    if (upsample && (row === 2 || column === 2)) continue;
    kernels.copy(targetPtr, allPtr + point * pointCount * F32_BYTES, pointCount);
    targetPtr += pointCount * F32_BYTES;
  }
  memory.release(mark);
  return { weightsPtr, scalesPtr: undefined, flatPtr: undefined };
}

/** The same, rounded to i16 [cout / 16][points][2][cin / 2][8][2] with a scale for each point and output channel. */
function packWinograd16(
  memory: Memory,
  kernels: Kernels,
  weight: Tensor,
  shape: WinogradShape,
  isFlatKept: boolean,
) {
  const [cout, cin] = weight.shape;
  const groups = cout / GROUP;
  const points = winogradPoints(shape.upsample);
  const count = points * cout;
  const weightsPtr = memory.allocate('weights', count * cin * Int16Array.BYTES_PER_ELEMENT);
  const scalesPtr = memory.allocate('weights', count * F32_BYTES);
  const flatCount = isFlatKept && shape.stride === 1 ? GROUP * cin : 0;
  const flatPtr = memory.allocate('weights', groups * flatCount * F32_BYTES);
  const mark = memory.mark();
  const plain = packWinograd(memory, kernels, weight, shape);
  kernels.winogradRoundWeights(weightsPtr, scalesPtr, plain.weightsPtr, cin, count / TILE_COUT);
  for (let group = 0; group < groups; group++) {
    const fromPtr =
      plain.weightsPtr + (group * points + flatPoint(shape)) * GROUP * cin * F32_BYTES;
    kernels.copy(flatPtr + group * flatCount * F32_BYTES, fromPtr, flatCount);
  }
  memory.release(mark);
  return { weightsPtr, scalesPtr, flatPtr: flatCount > 0 ? flatPtr : undefined };
}

/** Where point (1, 1) lies among those that are multiplied. */
const flatPoint = ({ upsample }: WinogradShape): number => (upsample ? 6 : 7);

/**
 * [cout, cin, k, k] → f32 [cout / 8][k][k · cin][8], and where 3 or 4 output channels remain,
 * [k][k · cin / 4][3 or 4 out][4 in]; padding channels are zero.
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
  return packedPtr;
}
