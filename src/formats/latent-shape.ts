import { allocateFloats } from '../allocate.ts';
import { orList } from '../checks.ts';
import { expected } from '../errors.ts';
import {
  channelCounts,
  type LatentSpace,
  latentSpaces,
  notYet,
  PACKED_NUMBERS,
  packedSpaces,
} from '../model/variants.ts';
import { rowMajorStrides } from '../numbers/strided.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { axesReadings, shapeBy } from '../tensor-like/axes.ts';
import { type Placed, packMap, unpackMap } from '../tensor-like/packed.ts';
import { gather, type View } from '../tensor-like/view.ts';

/**
 * Returns the shape [N, C, h, w] of latents that a file stores with 3 to 5 axes; undefined if no
 * model has such latents. `axesReadings` says which axes of 1 are dropped. Packed latents
 * [N, 4·C, h/2, w/2] keep that shape.
 */
export function latentShape(shape: readonly number[]): number[] | undefined {
  if (shape.some((size) => size < 1)) return undefined;
  const readings = axesReadings(shape).map((axes) => shapeBy(axes, shape));
  return (
    readings.find(([, channels]) => latentSpaces(channels).length > 0) ??
    readings.find(() => packedSpace(shape) !== undefined)
  );
}

/**
 * Returns the latent space of packed latents [N, 4·C, h/2, w/2] or [4·C, h/2, w/2]; undefined for
 * other shapes. The latents of videos with as many channels have a fifth axis.
 */
export function packedSpace(shape: readonly number[]): LatentSpace | undefined {
  const channels = shape[shape.length - 3];
  if (channels === undefined || shape.length > 4) return undefined;
  return latentSpaces(channels).length > 0 ? undefined : packedSpaces(channels, 'map')[0];
}

/** Latents of a file. */
export interface LatentsAsRead extends Tensor {
  /** The space of latents that came packed: no other model packs so many channels. */
  readonly packedOf?: LatentSpace;
}

/**
 * Returns latents as [N, C, h, w], packed ones unpacked.
 *
 * @throws TaesdError SHAPE (no model has such latents), OOM
 */
export function asLatents({ shape, data }: Tensor, what: string): LatentsAsRead {
  const latents = latentShape(shape);
  if (latents !== undefined) {
    const tensor = { shape: latents, data };
    const packedOf = packedSpace(shape);
    return packedOf === undefined ? tensor : { ...unpacked(tensor), packedOf };
  }
  const rule = `shape [N,C,h,w], [C,h,w] or [N,C,1,h,w] with C = ${channelCounts()}`;
  throw expected('SHAPE', what, rule, shapeText(shape), { hint: hintOf(shape) });
}

function hintOf(shape: readonly number[]): string {
  const [batch, channels, frames] = shape;
  const last = shape[shape.length - 1] ?? 0;
  const isOfVideo = shape.length === 5;
  if (isOfVideo && frames > 1 && latentSpaces(channels).length > 0) {
    return `a video of ${frames} frames? single frames alone are decoded`;
  }
  const tokens = shape.length === 3 ? packedSpaces(last, 'tokens') : [];
  const isLast = latentSpaces(last).length > 0;
  if (tokens.length > 0 && (batch === 1 || !isLast)) {
    return `tokens of ${orList(tokens)}? they do not say their rows: unpack them to [N,${last / PACKED_NUMBERS},h,w]`;
  }
  if (isLast) return 'channels last? transpose it';
  const other = notYet((isOfVideo ? channels : shape.at(-3)) ?? 0);
  return other ?? 'latents of a model that is not supported?';
}

const unpacked = (tensor: Tensor): Tensor => moved(tensor, unpackMap);

/**
 * Returns latents [N, C, h, w] as [N, 4·C, h/2, w/2].
 *
 * @throws TaesdError SHAPE (odd sizes), OOM
 */
export function packed(tensor: Tensor): Tensor {
  const [, channels, h, w] = tensor.shape;
  if (h % 2 === 0 && w % 2 === 0) return moved(tensor, packMap);
  const rule = `even rows and columns, to be [N,${PACKED_NUMBERS * channels},h/2,w/2]`;
  const hint = 'the sides of the picture must be multiples of 2 latents';
  throw expected('SHAPE', 'latents', rule, shapeText(tensor.shape), { hint });
}

function moved({ shape, data }: Tensor, by: (view: View) => Placed): Tensor {
  const placed = by({ sizes: shape, strides: rowMajorStrides(shape), first: 0 });
  const numbers = allocateFloats('latents', data.length);
  gather(data, placed.view, numbers);
  return { shape: placed.shape, data: numbers };
}
