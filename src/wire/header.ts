import { lenientText } from '../builtins/text.ts';
import { expected, type TaesdError } from '../errors.ts';
import {
  checkLatentChannels,
  isModelName,
  type ModelName,
  modelNames,
  sidesOf,
  VARIANTS,
} from '../model/variants.ts';
import type { Space } from '../tensor-like/types.ts';

/*
 * The head of a frame of latents. docs/wire.md has its diagram and the reasons.
 */

/** TLAT: tensor of latents. */
const MAGIC = [0x54, 0x4c, 0x41, 0x54];
const VERSION = 1;
/** Bytes up to the name. */
export const FIXED_BYTES = 36;
/** The name is padded to multiples of so many bytes, so that numbers of 4 bytes are aligned. */
const ALIGNMENT = 4;
/** Bytes of a channel's least and greatest number, which 8-bit numbers need. */
const RANGE_BYTES = 8;
/** The maximum of numbers in a frame: the latents of FLUX.1 for a picture of 8192×8192. */
export const MAX_NUMBERS = 2 ** 24;
/** The maximum of channels. The models have at most 64. */
export const MAX_CHANNELS = 1024;
/** The maximum of a side of latents. */
export const MAX_LATENT_SIDE = 0xffff;
const MAX_NAME_BYTES = 255;
/** Two bytes a number, the longest head and the ranges. */
export const MAX_FRAME_BYTES =
  FIXED_BYTES + MAX_NAME_BYTES + ALIGNMENT + RANGE_BYTES * MAX_CHANNELS + 2 * MAX_NUMBERS;
/** The step of a frame that has none, and its count of steps. */
const NO_STEP = 0xffffffff;
/** The first bit of the flags. The others are 0. */
const ACKNOWLEDGE = 1;

/** The types of numbers in a frame, by their code. */
const TYPES = ['u8', 'f16'] as const;
const SPACES = ['diffusion', 'vae'] as const;

/** The type of the numbers in a frame: 8 bits between each channel's ends, or IEEE half floats. */
export type FrameType = (typeof TYPES)[number];

/** The facts in the head of a frame. */
export interface FrameHeader {
  readonly type: FrameType;
  readonly model: ModelName | undefined;
  readonly space: Space;
  /** [C, h, w] */
  readonly sizes: readonly [number, number, number];
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly step: number | undefined;
  readonly steps: number | undefined;
  readonly acknowledge: boolean;
}

/** The places of a frame's parts. */
interface Places {
  /** The first byte of the channels' ranges, which f16 does not have. */
  readonly ranges: number;
  readonly numbers: number;
  readonly end: number;
}

/**
 * Returns the places of a frame's parts.
 *
 * @param nameBytes  the length of the model's name
 */
export function placesOf(
  type: FrameType,
  [channels, height, width]: FrameHeader['sizes'],
  nameBytes: number,
): Places {
  const ranges = FIXED_BYTES + Math.ceil(nameBytes / ALIGNMENT) * ALIGNMENT;
  const isU8 = type === 'u8';
  const numbers = ranges + (isU8 ? RANGE_BYTES * channels : 0);
  return { ranges, numbers, end: numbers + (isU8 ? 1 : 2) * channels * height * width };
}

/** Writes the head of a frame whose bytes are all 0. */
export function writeHeader(frame: Uint8Array, header: FrameHeader): void {
  const { type, model = '', space, sizes, width = 0, height = 0, acknowledge } = header;
  const { step = NO_STEP, steps = NO_STEP } = header;
  const view = viewOf(frame);
  frame.set(MAGIC);
  view.setUint32(4, frame.length, true);
  view.setUint8(8, VERSION);
  view.setUint8(9, TYPES.indexOf(type));
  view.setUint8(10, SPACES.indexOf(space));
  view.setUint8(11, model.length);
  for (const [i, size] of sizes.entries()) view.setUint16(12 + 2 * i, size, true);
  view.setUint16(18, acknowledge ? ACKNOWLEDGE : 0, true);
  for (const [i, number] of [width, height, step, steps].entries()) {
    view.setUint32(20 + 4 * i, number, true);
  }
  // The names of models are ASCII.
  for (let i = 0; i < model.length; i++) frame[FIXED_BYTES + i] = model.charCodeAt(i);
}

/**
 * Returns the number of bytes that a frame has by its first bytes, so that it can be cut from a
 * stream.
 *
 * @param bytes  at least `FIXED_BYTES` of the frame
 * @throws TaesdError FORMAT, UNSUPPORTED (a later version), LIMIT, before anything is allocated
 */
export const frameLength = (bytes: Uint8Array): number => readFixed(bytes).places.end;

/**
 * Reads the head of a whole frame.
 *
 * @throws TaesdError FORMAT, TRUNCATED, UNSUPPORTED (a later version or model), LIMIT, SHAPE
 *   (another number of channels than its model's)
 */
export function readHeader(bytes: Uint8Array): FrameHeader & { readonly places: Places } {
  if (bytes.length < FIXED_BYTES) {
    checkMagic(bytes);
    throw truncated(`at least ${FIXED_BYTES} bytes`, bytes.length);
  }
  const { type, space, sizes, nameBytes, acknowledge, places } = readFixed(bytes);
  const { end } = places;
  if (bytes.length < end) throw truncated(`${end} bytes`, bytes.length);
  if (bytes.length > end) {
    const hint = 'one frame in each message';
    throw expected('FORMAT', 'frame', `${end} bytes`, `${bytes.length}`, { hint });
  }
  const view = viewOf(bytes);
  const [width, height, step, steps] = [20, 24, 28, 32].map((at) => view.getUint32(at, true));
  const model = modelOf(bytes.subarray(FIXED_BYTES, FIXED_BYTES + nameBytes));
  const size = { width: width || undefined, height: height || undefined };
  if (model !== undefined) {
    checkLatentChannels({ shape: [1, ...sizes] }, VARIANTS[model]);
    checkPictureSize('FORMAT', model, sizes, size);
  }
  return {
    ...{ type, model, space, sizes, ...size, acknowledge, places },
    step: step === NO_STEP ? undefined : step,
    steps: steps === NO_STEP ? undefined : steps,
  };
}

/** @throws TaesdError with `code`: a side of a picture that has other latents than these */
export function checkPictureSize(
  code: 'ARG' | 'FORMAT',
  model: ModelName,
  [, h, w]: FrameHeader['sizes'],
  { width, height }: Pick<FrameHeader, 'width' | 'height'>,
): void {
  for (const [side, pixels, latents] of [
    ['width', width, w],
    ['height', height, h],
  ] as const) {
    const { min, max } = sidesOf(latents, VARIANTS[model].downscale);
    if (pixels === undefined || (pixels >= min && pixels <= max)) continue;
    const rule = `${min} to ${max} for ${latents} latents of ${model}`;
    throw expected(code, side, rule, `${pixels}`);
  }
}

/** Reads the part of the head before the name. */
function readFixed(bytes: Uint8Array) {
  checkMagic(bytes);
  const view = viewOf(bytes);
  const version = view.getUint8(8);
  const later = 'a frame of a later version of the format?';
  if (version !== VERSION) {
    throw expected('UNSUPPORTED', 'version', `${VERSION}`, `${version}`, { hint: later });
  }
  const type = TYPES[view.getUint8(9)];
  if (type === undefined) {
    throw expected('UNSUPPORTED', 'type', '0 for u8 or 1 for f16', `${view.getUint8(9)}`);
  }
  const space = SPACES[view.getUint8(10)];
  if (space === undefined) {
    throw expected('UNSUPPORTED', 'space', '0 for diffusion or 1 for vae', `${view.getUint8(10)}`);
  }
  const flags = view.getUint16(18, true);
  if (flags > ACKNOWLEDGE) {
    throw expected('UNSUPPORTED', 'flags', '0 or 1', `${flags}`, { hint: later });
  }
  const [channels, height, width] = [12, 14, 16].map((at) => view.getUint16(at, true));
  const sizes = [channels, height, width] as const;
  const shape = `[${sizes}]`;
  if (channels * height * width === 0) {
    throw expected('FORMAT', 'frame', 'latents [C,h,w], each at least 1', shape);
  }
  if (channels > MAX_CHANNELS || channels * height * width > MAX_NUMBERS) {
    const rule = `at most ${MAX_CHANNELS} channels and ${MAX_NUMBERS} numbers`;
    throw expected('LIMIT', 'frame', rule, `latents ${shape}`);
  }
  const nameBytes = view.getUint8(11);
  const places = placesOf(type, sizes, nameBytes);
  const length = view.getUint32(4, true);
  if (length !== places.end) {
    const rule = `${places.end} for ${type} latents ${shape}`;
    throw expected('FORMAT', 'length', rule, `${length}`);
  }
  return { type, space, sizes, nameBytes, acknowledge: flags === ACKNOWLEDGE, places };
}

/** @throws TaesdError FORMAT (the bytes do not begin as a frame) */
export function checkMagic(bytes: Uint8Array): void {
  const first = Array.from(bytes.subarray(0, MAGIC.length));
  if (first.every((byte, i) => byte === MAGIC[i])) return;
  const [mark] = first;
  // { and <
  const isText = mark === 0x7b || mark === 0x3c;
  const hint = isText
    ? 'a text, such as the page of an error?'
    : 'not a frame of latents; readLatents reads files';
  const got = first.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw expected('FORMAT', 'magic', '54 4c 41 54', got, { hint });
}

/** @throws TaesdError UNSUPPORTED (a model that the table does not have) */
function modelOf(bytes: Uint8Array): ModelName | undefined {
  if (bytes.length === 0) return undefined;
  const name = lenientText(bytes);
  if (isModelName(name)) return name;
  throw expected('UNSUPPORTED', 'model', `one of ${modelNames().join(', ')}`, name);
}

/** Makes the error of a frame that ends too early. */
export const truncated = (rule: string, got: number): TaesdError =>
  expected('TRUNCATED', 'frame', rule, `${got}`, { hint: 'the connection was cut?' });

export const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
