import { allocate, allocateClamped } from '../allocate.ts';
import { checkCallbacks, checkNames, checkSize } from '../checks.ts';
import { expected } from '../errors.ts';
import { isPlainPicture } from '../image.ts';
import { sidesOf, type Variant } from '../model/variants.ts';
import type { StepsOptions } from '../options/step.ts';
import type {
  DecodeOptions,
  DecodeRowsOptions,
  DrawOptions,
  EncodeOptions,
  FloatImageLike,
  ImageLike,
  PictureSource,
  RunOptions,
} from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { reading } from '../tensor-like/read-tensor.ts';

/*
 * The checks of the arguments of `encode`, `decode` and their like, and the copies they work on.
 */

const RUN = ['signal', 'allowNonFinite', 'onProgress'] as const;
const SIZE = ['width', 'height', 'resolution'] as const;
const ALPHA = ['alpha', 'background'] as const;

/** The options of each call. */
const OPTIONS = {
  encode: [...RUN, ...ALPHA, 'range', 'maxSize'],
  decode: [...RUN, ...SIZE, 'space', 'output'],
  decodeRows: [...RUN, ...SIZE, 'space', 'firstRow'],
  decodeToCanvas: ['signal', 'allowNonFinite', ...SIZE, 'space'],
  steps: ['signal', 'allowNonFinite', ...ALPHA, 'range', 'maxSize', 'space', 'part'],
} satisfies {
  encode: (keyof EncodeOptions)[];
  decode: (keyof DecodeOptions)[];
  decodeRows: (keyof DecodeRowsOptions)[];
  decodeToCanvas: (keyof DrawOptions)[];
  steps: (keyof StepsOptions)[];
};

/**
 * @throws TaesdError ARG (not an object, an unknown option, a callback or signal of another type)
 */
export function checkOptions(call: keyof typeof OPTIONS, options: RunOptions): void {
  checkNames(options, OPTIONS[call]);
  checkCallbacks(options);
}

/**
 * Copies a picture, which the caller can no longer change.
 *
 * @returns a promise if there is anything to convert or to refuse
 * @throws TaesdError as `pictureOf`
 */
export function ownImage(
  image: PictureSource,
  options: RunOptions,
): ImageLike | Promise<ImageLike> {
  const fields = reading('image', () => fieldsOf(image));
  if (isPlainPicture(fields)) {
    const { width, height, data } = fields;
    const own = { width, height, data: allocate('image', 'a copy', () => new Uint8Array(data)) };
    // An array may have a `length` of its own, which is not that of the copy.
    if (isPlainPicture(own)) return own;
  }
  return ownSource(image, fields, options);
}

/** Reads the properties of a picture in memory, once: a getter may return another value later. */
function fieldsOf(image: PictureSource): Partial<FloatImageLike> {
  const { width, height, data, colorSpace, pixelFormat } = (image ?? {}) as FloatImageLike;
  return { width, height, data, colorSpace, pixelFormat };
}

async function ownSource(
  image: PictureSource,
  fields: Partial<FloatImageLike>,
  options: RunOptions,
): Promise<ImageLike> {
  // Begins before anything is awaited, so that the picture is that of the time of the call.
  const snapshot = Promise.allSettled([takeSnapshot(image, fields)]);
  // Imported when needed: most pictures are bytes in sRGB.
  const { pictureOf } = await lazily(() => import('../sources/picture-of.ts'));
  return pictureOf(image, fields, snapshot, options);
}

/** Copies the numbers of a picture in memory, or has a browser copy its pixels. */
const takeSnapshot = async (image: PictureSource, { data }: Partial<FloatImageLike>) =>
  data?.slice() ?? createImageBitmap(image as ImageBitmapSource);

/** Returns the channels of the picture tensors that a model takes. */
export const channelsOfPictures = ({ pictureChannels }: Pick<Variant, 'pictureChannels'>) =>
  pictureChannels === 3 ? [3] : [4, 3];

/** @throws TaesdError SHAPE if the tensor is not [N, C, H, W], where C is one of `channels` */
export function checkPictures(tensor: Tensor, channels: readonly number[]): Tensor {
  if (!channels.includes(tensor.shape[1])) {
    const rule = `shape [N,${channels.join(' or ')},H,W], values in [0,1]`;
    throw expected('SHAPE', 'image', rule, shapeText(tensor.shape));
  }
  return tensor;
}

/** @throws TaesdError SHAPE for a batch of several, with the remedy as `hint` */
export function checkOne(what: string, { shape }: Pick<Tensor, 'shape'>, hint: string): void {
  if (shape[0] !== 1) throw expected('SHAPE', what, 'a batch of 1', shapeText(shape), { hint });
}

/** Allocates RGBA bytes of a picture. @throws TaesdError OOM */
export const allocatePixels = (width: number, height: number) =>
  allocateClamped('picture', 4 * width * height, 'decodeRows keeps none');

/**
 * Returns the size to crop to.
 *
 * @param size    rounds up to the latent's size; defaults to `downscale` times the latent
 * @param latent  rows or columns of the latent
 */
export function croppedSize(
  what: string,
  size: number | undefined,
  latent: number,
  { downscale }: Pick<Variant, 'downscale'>,
): number {
  const { min, max } = sidesOf(latent, downscale);
  if (size === undefined) return max;
  if (checkSize(what, size) < min || size > max) {
    const rule = `${min} to ${max}, which a latent of ${latent} stands for`;
    throw expected('ARG', what, rule, `${size}`);
  }
  return size;
}
