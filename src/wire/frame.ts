import { allocateBytes, allocateFloats } from '../allocate.ts';
import { isPromise } from '../builtins/tags.ts';
import { type BytesLike, bytesOf, checkIndex, checkNames, checkSize, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { checkLatentChannels, type ModelName, variantNamed } from '../model/variants.ts';
import { f16BytesToF32 } from '../numbers/half.ts';
import { narrowTo } from '../numbers/narrow.ts';
import { nonFiniteText, shapeText, type Tensor } from '../tensor.ts';
import { pickOne } from '../tensor-like/pick-one.ts';
import { type ReadLatents, readLatentsLike } from '../tensor-like/read-latents-like.ts';
import { reading } from '../tensor-like/read-tensor.ts';
import { checkSpace } from '../tensor-like/space.ts';
import type { LatentsWithOrigin, Space, TensorLike } from '../tensor-like/types.ts';
import { bytesOfBase64 } from './base64.ts';
import { dequantizeChannels, quantizeChannels } from './eight-bits.ts';
import {
  checkPictureSize,
  type FrameType,
  MAX_LATENT_SIDE,
  MAX_NUMBERS,
  placesOf,
  readHeader,
  writeHeader,
} from './header.ts';

/** The options of `encodeFrame`: what a frame says of its latents. */
export interface FrameOptions {
  /** The model of the latents. Defaults to that of latents with an origin; required without. */
  readonly model?: ModelName | undefined;
  /** Defaults to the latents' own space, or `diffusion`. */
  readonly space?: Space | undefined;
  /**
   * `u8` for 8 bits between the least and the greatest number of each channel, `f16` for half
   * floats. Defaults to `u8`.
   */
  readonly type?: FrameType | undefined;
  /** The picture's size. Defaults to that of the latents' origin, or latents × downscale. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** The step of the diffusion loop, 0 to 2³² − 2. */
  readonly step?: number | undefined;
  /** The number of steps of the loop, 1 to 2³² − 2. */
  readonly steps?: number | undefined;
  /** The index, in a batch, of the latents to encode. Defaults to 0. */
  readonly pick?: number | undefined;
  /**
   * True asks a reader on a WebSocket for a message back when the frame is done with. Defaults to
   * false.
   */
  readonly acknowledge?: boolean | undefined;
}

/** A frame of latents. `decode` and `push` of a previewer take it as it is. */
export interface LatentFrame extends LatentsWithOrigin {
  /** f32 [1, C, h, w] */
  readonly latents: Tensor;
  /** Undefined if the frame does not say. */
  readonly model: ModelName | undefined;
  readonly space: Space;
  /** The picture's size; undefined if it is latents × downscale. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** The step of the diffusion loop; undefined if the frame does not say. */
  readonly step: number | undefined;
  readonly steps: number | undefined;
  /** The type of the numbers in the frame. */
  readonly type: FrameType;
  /** True if the sender waits for a message back. */
  readonly acknowledge: boolean;
}

const NAMES = Object.keys({
  model: true,
  space: true,
  type: true,
  width: true,
  height: true,
  step: true,
  steps: true,
  pick: true,
  acknowledge: true,
} satisfies Record<keyof FrameOptions, true>);

/**
 * Encodes latents as a frame: one binary message of a WebSocket, or a part of an HTTP body.
 * docs/wire.md describes its bytes.
 *
 * @param latents  a tensor of any library with the model's channels, as for `decode`; not written
 *   to
 * @param options  `model` is required for latents that do not come with it
 * @returns the frame's bytes; a promise if the latents have to be read from a GPU
 * @throws TaesdError ARG (not a tensor, wrong option), SHAPE (other channels than the model's),
 *   NONFINITE (NaN, infinity, or numbers from 65520 on as f16), LIMIT (more than 2²⁴ numbers), OOM
 */
export function encodeFrame(
  latents: Tensor | (LatentsWithOrigin & { readonly latents: Tensor }),
  options?: FrameOptions,
): Uint8Array<ArrayBuffer>;
export function encodeFrame(
  latents: TensorLike | LatentsWithOrigin,
  options?: FrameOptions,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
export function encodeFrame(
  latents: TensorLike | LatentsWithOrigin,
  options: FrameOptions = {},
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  return inCall('encodeFrame', () => {
    const { model, space, pick, width, height, ...rest } = checkedOptions(options);
    const own = reading('latents', () => (latents as Partial<LatentsWithOrigin> | null)?.model);
    const variant = variantNamed(model ?? own, 'the model of the latents');
    const { latentChannels, name } = variant;
    const read = readLatentsLike(
      latents,
      {
        ...{ what: 'latents', channels: [latentChannels], space, width, height },
        allowNonFinite: true,
        select: (all) => pickOne('latents', all, pick),
      },
      variant,
    );
    const ready = (copy: ReadLatents) => {
      checkLatentChannels(copy.tensor, variant);
      return encoded(copy, { ...rest, model: name });
    };
    return isPromise(read) ? read.then(ready) : ready(read);
  });
}

/**
 * Reads a frame that `encodeFrame` made, or a sender in another language.
 *
 * @param frame  the bytes of one whole frame, or these as base64; not written to
 * @throws TaesdError ARG (not bytes), FORMAT, TRUNCATED, UNSUPPORTED (a later version, an unknown
 *   model), LIMIT (more than 2²⁴ numbers), SHAPE (other channels than its model's), OOM
 */
export function decodeFrame(frame: BytesLike | string): LatentFrame {
  return inCall('decodeFrame', () =>
    readFrame(typeof frame === 'string' ? bytesOfBase64(frame) : bytesOf(frame)),
  );
}

/** `decodeFrame` of bytes, inside another call. */
export function readFrame(bytes: Uint8Array): LatentFrame {
  const { places, sizes, type, ...facts } = readHeader(bytes);
  const numbers = bytes.subarray(places.numbers);
  const ranges = bytes.subarray(places.ranges, places.numbers);
  const [channels, height, width] = sizes;
  const data =
    type === 'f16' ? f16BytesToF32(numbers) : allocateFloats('frame', channels * height * width);
  if (type === 'u8') dequantizeChannels(ranges, numbers, data);
  return { ...facts, type, latents: { shape: [1, ...sizes], data } };
}

type CheckedOptions = FrameOptions & { readonly pick: number };

function checkedOptions(options: FrameOptions): CheckedOptions {
  checkNames(options, NAMES, 'an object { model, … }');
  const { space, type, width, height, step, steps, pick, acknowledge } = options;
  if (space !== undefined) checkSpace(space);
  if (type !== undefined && type !== 'u8' && type !== 'f16') {
    throw expected('ARG', 'type', "'u8' or 'f16'", describe(type));
  }
  if (width !== undefined) checkSize('width', width);
  if (height !== undefined) checkSize('height', height);
  if (step !== undefined) checkSize('step', step, 0, MAX_STEP);
  if (steps !== undefined) checkSize('steps', steps, 1, MAX_STEP);
  if (pick !== undefined) checkIndex('pick', pick);
  if (acknowledge !== undefined && typeof acknowledge !== 'boolean') {
    throw expected('ARG', 'acknowledge', 'true or false', describe(acknowledge));
  }
  return { ...options, pick: pick ?? 0 };
}

const MAX_STEP = 2 ** 32 - 2;

function encoded(
  { tensor: { shape, data }, space, size }: ReadLatents,
  options: FrameOptions & { readonly model: ModelName },
): Uint8Array<ArrayBuffer> {
  const { model, type = 'u8', step, steps, acknowledge = false } = options;
  const wrong = nonFiniteText(data);
  if (wrong !== undefined) throw expected('NONFINITE', 'latents', 'finite numbers', wrong);
  const [, channels, height, width] = shape;
  const sizes = [channels, height, width] as const;
  if (data.length > MAX_NUMBERS || Math.max(height, width) > MAX_LATENT_SIDE) {
    const rule = `at most ${MAX_NUMBERS} numbers, and sides of ${MAX_LATENT_SIDE}`;
    throw expected('LIMIT', 'latents', rule, shapeText(shape));
  }
  const picture = { width: size.width, height: size.height };
  checkPictureSize('ARG', model, sizes, picture);
  const places = placesOf(type, sizes, model.length);
  const frame = allocateBytes('frame', places.end);
  writeHeader(frame, { type, model, space, sizes, ...picture, step, steps, acknowledge });
  const numbers = frame.subarray(places.numbers);
  if (type === 'u8') {
    quantizeChannels(data, frame.subarray(places.ranges, places.numbers), numbers);
  } else {
    checkHalf(data);
    numbers.set(narrowTo('F16', data));
  }
  return frame;
}

/** The least magnitude that rounds to infinity in f16. */
const HALF_INFINITY = 65520;

/** @throws TaesdError NONFINITE */
function checkHalf(data: Float32Array): void {
  const index = data.findIndex((value) => Math.abs(value) >= HALF_INFINITY);
  if (index < 0) return;
  const rule = `numbers below ${HALF_INFINITY} for f16`;
  throw expected('NONFINITE', 'latents', rule, `${data[index]}`, { hint: 'latents are about ±4' });
}
