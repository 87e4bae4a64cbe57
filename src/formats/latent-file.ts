import { checkSize, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { latentsToPicture, pictureToLatents } from '../latent.ts';
import {
  checkLatentChannels,
  isModelName,
  LATENT_SCALE,
  latentSpaces,
  type ModelName,
  VARIANTS,
  variantNamed,
} from '../model/variants.ts';
import { type DecodePngOptions, decodePng, encodePng } from '../png/index.ts';
import { readSafetensors, toTensor } from '../safetensors/read.ts';
import { showNames } from '../safetensors/show-name.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import { checkTensor4d, shapeText, type Tensor } from '../tensor.ts';

/*
 * Latents as files: an RGBA PNG of 8-bit latents, or a safetensors file of f32. Both remember, as text beside the
 * numbers, which model they belong to and how large the picture was before the latent was rounded up.
 */

/** Latents with what their file remembers of where they came from. */
export interface LatentFile {
  /** f32 [1, C, h, w] */
  readonly latents: Tensor;
  /** The model that encoded them; of `nano` a file says `taesd`, whose latents it speaks. */
  readonly model?: ModelName | undefined;
  /** The picture's size, which rounds up to 8·w × 8·h: both or neither. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** The keyword of the model's name: of a tEXt chunk in a PNG, of `__metadata__` in a safetensors file. */
export const MODEL_KEY = 'taesd.model';
/** The keyword of the picture's size, `451x300`, in the same places. */
const SIZE_KEY = 'taesd.size';

/** The tensor's name in a safetensors file. */
const LATENTS_NAME = 'latents';

/**
 * Latents → PNG: 8 bits a value (one step is 0.0235), four channels in a pixel's red, green, blue and alpha, the
 * tiles of further channels stacked below (`latentsToPicture`).
 *
 * @throws TaesdError ARG (no such object, a wrong model or size), SHAPE (not [1, 4·k, h, w], or not the model's
 *   channels)
 */
export function encodeLatentPng(file: LatentFile): Uint8Array<ArrayBuffer> {
  return inCall('encodeLatentPng', () => {
    const text = rememberedText(file);
    return encodePng(latentsToPicture(file.latents), text);
  });
}

/**
 * PNG → latents.
 *
 * @param bytes  the whole file, of this package's making or any other's that folds latents in the same way
 * @param model  whose latents they are where the file does not say; `taesd` unless given. A file that does say is
 *   unfolded by what it says: the number of its tiles is a fact, not a choice.
 * @param options  as for `decodePng`: `maxPixels`, of the latent and not of the picture, for files from strangers
 * @throws TaesdError SHAPE (a height that is not a whole number of tiles), FORMAT (a remembered size that is none,
 *   or not the latents'), UNSUPPORTED (an unknown remembered model), ARG, and what `decodePng` throws
 */
export function decodeLatentPng(
  bytes: Uint8Array,
  model: ModelName = 'taesd',
  options: DecodePngOptions = {},
): LatentFile {
  return inCall('decodeLatentPng', () => {
    const given = variantNamed(model);
    const { text, ...picture } = decodePng(bytes, options);
    const remembered = rememberedModel(text);
    const { latentChannels } = remembered === undefined ? given : VARIANTS[remembered];
    const latents = pictureToLatents(picture, latentChannels);
    return { latents, model: remembered, ...rememberedSize(text, latents) };
  });
}

/**
 * Latents → safetensors: f32 `latents` [1, C, h, w].
 *
 * @throws TaesdError ARG (no such object, a wrong model or size), SHAPE (not [1, C, h, w], or not the model's channels)
 */
export function encodeLatentSafetensors(file: LatentFile): Uint8Array<ArrayBuffer> {
  return inCall('encodeLatentSafetensors', () => {
    const text = rememberedText(file);
    const bytes = writeSafetensors([[LATENTS_NAME, checkBatchOfOne(file.latents)]], text);
    // It allocates with `new Uint8Array(length)`.
    return bytes as Uint8Array<ArrayBuffer>;
  });
}

/**
 * Safetensors → latents. F16 and BF16 are widened; tensors of other names are left alone.
 *
 * @throws TaesdError SHAPE (no `latents`, not [1, C, h, w], not the remembered model's channels), FORMAT (a
 *   remembered size that is none, or not the latents'), UNSUPPORTED (another dtype, an unknown remembered model),
 *   and what `readSafetensors` throws
 */
export function decodeLatentSafetensors(bytes: Uint8Array): LatentFile {
  return inCall('decodeLatentSafetensors', () => {
    const { tensors, metadata } = readSafetensors(bytes);
    const stored = tensors.get(LATENTS_NAME);
    if (stored === undefined) {
      const names = showNames([...tensors.keys()]) || 'no tensor';
      const hint = 'not a file of latents?';
      throw expected('SHAPE', 'tensor names', LATENTS_NAME, names, { hint });
    }
    const latents = checkBatchOfOne(toTensor(stored, LATENTS_NAME));
    const model = rememberedModel(metadata);
    if (model !== undefined) checkLatentChannels(latents, VARIANTS[model]);
    return { latents, model, ...rememberedSize(metadata, latents) };
  });
}

function checkBatchOfOne(value: Tensor): Tensor {
  const latents = checkTensor4d(LATENTS_NAME, value);
  if (latents.shape[0] !== 1) {
    const hint = 'a file holds the latents of one picture';
    throw expected('SHAPE', LATENTS_NAME, 'shape [1,C,h,w]', shapeText(latents.shape), { hint });
  }
  return latents;
}

/** What a new file is to remember, checked, so that every file written can be read. */
function rememberedText(file: LatentFile): Record<string, string> {
  if (typeof file !== 'object' || file === null) {
    const rule = 'an object { latents, model, width, height }';
    throw expected('ARG', 'file', rule, describe(file));
  }
  const { model, width, height } = file;
  const latents = checkTensor4d(LATENTS_NAME, file.latents);
  const text: Record<string, string> = {};
  if (model !== undefined) {
    const variant = variantNamed(model);
    checkLatentChannels(latents, variant);
    text[MODEL_KEY] = variant.space;
  }
  if (width !== undefined || height !== undefined) {
    checkSize('width', width);
    checkSize('height', height);
    const size = `${width}x${height}`;
    if (!roundsUpTo(latents, width, height)) {
      throw expected('ARG', 'width, height', sizeRule(latents), size);
    }
    text[SIZE_KEY] = size;
  }
  return text;
}

function rememberedModel(text: ReadonlyMap<string, string>): ModelName | undefined {
  const model = text.get(MODEL_KEY);
  if (model === undefined) return undefined;
  if (isModelName(model)) return VARIANTS[model].space;
  const rule = `one of ${latentSpaces().join(', ')}`;
  const hint = 'written by a newer version?';
  throw expected('UNSUPPORTED', MODEL_KEY, rule, describe(model), { hint });
}

function rememberedSize(text: ReadonlyMap<string, string>, latents: Tensor) {
  const size = text.get(SIZE_KEY);
  if (size === undefined) return { width: undefined, height: undefined };
  // Ten digits hold the longest side that there is, 2³¹ − 1.
  const match = /^([1-9]\d{0,9})x([1-9]\d{0,9})$/.exec(size);
  if (match === null) {
    throw expected('FORMAT', SIZE_KEY, 'WIDTHxHEIGHT, such as 451x300', describe(size));
  }
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (!roundsUpTo(latents, width, height)) {
    const hint = 'resized after it was written?';
    throw expected('FORMAT', SIZE_KEY, sizeRule(latents), size, { hint });
  }
  return { width, height };
}

const roundsUpTo = ({ shape: [, , h, w] }: Tensor, width?: number, height?: number): boolean =>
  width !== undefined &&
  height !== undefined &&
  Math.ceil(width / LATENT_SCALE) === w &&
  Math.ceil(height / LATENT_SCALE) === h;

function sizeRule({ shape: [, , h, w] }: Tensor): string {
  const least = (latent: number) => latent * LATENT_SCALE - LATENT_SCALE + 1;
  const most = (latent: number) => latent * LATENT_SCALE;
  const range = `${least(w)}x${least(h)} to ${most(w)}x${most(h)}`;
  return `a size from ${range}, which a latent of ${w}x${h} stands for`;
}
