import { checkSize, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import {
  checkLatentChannels,
  downscalesOf,
  isModelName,
  latentSpaces,
  type ModelName,
  sidesOf,
  VARIANTS,
  variantNamed,
} from '../model/variants.ts';
import { checkTensor4d, type Tensor } from '../tensor.ts';
import type { LatentFile } from './format.ts';

/*
 * The text that files of latents carry: the model, and the picture's size before the latent was
 * rounded up. In a PNG it is in tEXt chunks, in a safetensors file in `__metadata__`.
 */

/** The keyword of the model's name. */
const MODEL_KEY = 'taesd.model';
/** The keyword of the picture's size, `451x300`. */
const SIZE_KEY = 'taesd.size';

/** The tensor's name in messages, and in safetensors files. */
export const LATENTS_NAME = 'latents';

/** Returns the model that a file's text names, which may be unknown; undefined if it names none. */
export const namedModel = (text: ReadonlyMap<string, string>): string | undefined =>
  text.get(MODEL_KEY);

/** Returns true for the text of a file of latents, even if a model or size in it is wrong. */
export const recordsLatents = (text: ReadonlyMap<string, string>): boolean =>
  text.has(MODEL_KEY) || text.has(SIZE_KEY);

/**
 * Returns the text of a new file. It is checked as it would be when read, so that every file that
 * is written can be read.
 *
 * @throws TaesdError ARG (not an object, a wrong model or size), SHAPE (not the model's channels)
 */
export function recordedText(file: LatentFile): Record<string, string> {
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
    const downscales = downscalesOf(latents.shape[1], model);
    if (!roundsUpTo(latents, downscales, { width, height })) {
      throw expected('ARG', 'width, height', sizeRule(latents, downscales), size);
    }
    text[SIZE_KEY] = size;
  }
  return text;
}

/** Returns the model of a file's text. @throws TaesdError UNSUPPORTED (an unknown model) */
export function recordedModel(text: ReadonlyMap<string, string>): ModelName | undefined {
  const model = namedModel(text);
  if (model === undefined) return undefined;
  if (isModelName(model)) return VARIANTS[model].space;
  const rule = `one of ${latentSpaces().join(', ')}`;
  const hint = 'written by a newer version?';
  throw expected('UNSUPPORTED', MODEL_KEY, rule, describe(model), { hint });
}

/**
 * Returns the size of a file's text.
 *
 * @param model  the model of the latents, if it is known
 * @throws TaesdError FORMAT (not a size, or not the latents')
 */
export function recordedSize(
  text: ReadonlyMap<string, string>,
  latents: Tensor,
  model: ModelName | undefined,
): Pick<LatentFile, 'width' | 'height'> {
  const size = text.get(SIZE_KEY);
  if (size === undefined) return { width: undefined, height: undefined };
  // The longest side, 2³¹ − 1, has ten digits.
  const match = /^([1-9]\d{0,9})x([1-9]\d{0,9})$/.exec(size);
  if (match === null) {
    throw expected('FORMAT', SIZE_KEY, 'WIDTHxHEIGHT, such as 451x300', describe(size));
  }
  const [width, height] = [Number(match[1]), Number(match[2])];
  const downscales = downscalesOf(latents.shape[1], model);
  if (!roundsUpTo(latents, downscales, { width, height })) {
    const hint = 'resized after it was written?';
    throw expected('FORMAT', SIZE_KEY, sizeRule(latents, downscales), size, { hint });
  }
  return { width, height };
}

/** Returns true for the size of a picture that has latents of this size, by one of `downscales`. */
const roundsUpTo = (
  { shape: [, , h, w] }: Tensor,
  downscales: readonly number[],
  { width, height }: Pick<LatentFile, 'width' | 'height'>,
): boolean =>
  width !== undefined &&
  height !== undefined &&
  downscales.some((by) => Math.ceil(width / by) === w && Math.ceil(height / by) === h);

function sizeRule({ shape: [, , h, w] }: Tensor, downscales: readonly number[]): string {
  const ranges = downscales.map((by) => {
    const [x, y] = [w, h].map((latent) => sidesOf(latent, by));
    return `${x.min}x${y.min} to ${x.max}x${y.max}`;
  });
  return `a size from ${ranges.join(' or ')}, which a latent of ${w}x${h} stands for`;
}
