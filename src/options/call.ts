import { allocate, allocateClamped } from '../allocate.ts';
import { checkNames, checkSignal, checkSize, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { checkImage, type ImageLike } from '../image.ts';
import { LATENT_SCALE } from '../model/variants.ts';
import type { StepsOptions } from '../steps/step.ts';
import { checkTensor4d, firstNonFinite, shapeText, type Tensor } from '../tensor.ts';
import type {
  DecodeOptions,
  DecodeRowsOptions,
  DrawOptions,
  EncodeOptions,
  RunOptions,
} from './types.ts';

/*
 * What `encode`, `decode` and their like ask of their arguments, and the copies that they work on.
 */

const RUN = ['signal', 'allowNonFinite', 'onProgress'] as const;
const SIZE = ['width', 'height'] as const;
const ALPHA = ['alpha', 'background'] as const;

/** The options that each call takes. */
const OPTIONS = {
  encode: [...RUN, ...ALPHA],
  decode: [...RUN, ...SIZE, 'output'],
  decodeRows: [...RUN, ...SIZE],
  decodeToCanvas: ['signal', 'allowNonFinite', ...SIZE],
  steps: ['signal', 'allowNonFinite', ...ALPHA, 'part'],
} satisfies {
  encode: (keyof EncodeOptions)[];
  decode: (keyof DecodeOptions)[];
  decodeRows: (keyof DecodeRowsOptions)[];
  decodeToCanvas: (keyof DrawOptions)[];
  steps: (keyof StepsOptions)[];
};

/** @throws TaesdError ARG where the options are none, there is no such option, or a callback or signal is of another type */
export function checkOptions(call: keyof typeof OPTIONS, options: RunOptions): void {
  checkNames(options, OPTIONS[call]);
  const { onProgress, signal } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw expected('ARG', 'onProgress', 'a function', describe(onProgress));
  }
  checkSignal(signal);
}

export const isTensorLike = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'shape' in value;

/** A checked tensor's copy, which the caller can no longer change. */
export function snapshot(what: string, value: Tensor, options: RunOptions): Tensor {
  const { shape, data } = checkTensor4d(what, value);
  if (options.allowNonFinite !== true) {
    const index = firstNonFinite(data);
    if (index >= 0) {
      const got = `${data[index]} at element ${index}`;
      const remedy = { api: 'allowNonFinite: true lets it pass' };
      throw expected('NONFINITE', what, 'finite numbers', got, { remedy });
    }
  }
  return { shape, data: allocate(what, 'a copy', () => data.slice()) };
}

/** A copy of a picture's bytes, which the caller can no longer change. */
export function ownImage(image: ImageLike): ImageLike {
  checkImage(image);
  const { width, height, data } = image;
  return { width, height, data: allocate('image', 'a copy', () => data.slice()) };
}

export function checkPictures(tensor: Tensor): Tensor {
  if (tensor.shape[1] !== 3) {
    const rule = 'shape [N,3,H,W], values in [0,1]';
    throw expected('SHAPE', 'image', rule, shapeText(tensor.shape));
  }
  return tensor;
}

export function checkOne(what: string, { shape }: Pick<Tensor, 'shape'>, hint: string): void {
  if (shape[0] !== 1) throw expected('SHAPE', what, 'a batch of 1', shapeText(shape), { hint });
}

/** @throws TaesdError OOM */
export const allocatePixels = (width: number, height: number) =>
  allocateClamped('picture', 4 * width * height, 'decodeRows keeps none');

/** The size to crop to: one that rounds up to the latent's, or 8 times the latent. */
export function croppedSize(what: string, size: number | undefined, latent: number) {
  const most = latent * LATENT_SCALE;
  if (size === undefined) return most;
  const least = most - LATENT_SCALE + 1;
  if (checkSize(what, size) < least || size > most) {
    const rule = `${least} to ${most}, which a latent of ${latent} stands for`;
    throw expected('ARG', what, rule, `${size}`);
  }
  return size;
}
