import { croppedSize } from '../calls/arguments.ts';
import { decodeLatentPng } from '../formats/index.ts';
import { VARIANTS, type Variant } from '../model/variants.ts';
import { elementCount, nonFiniteText, picturesOf, shapeText, type Tensor } from '../tensor.ts';
import { withinPatches } from '../tensor-like/packed.ts';
import { readTensor } from '../tensor-like/read-tensor.ts';
import type { DecodeWork, Output, Reading } from './decode-work.ts';
import { halfTypeFor } from './job.ts';
import {
  accepts,
  bodyTypeOf,
  checkBodyType,
  PNG_TYPE,
  RAW_TYPE,
  TENSOR_TYPE,
} from './media-type.ts';
import { noSuchLatents } from './models.ts';
import { HttpProblem, notDone, says } from './problem.ts';
import { choiceOf, flagOf, neededSize, shapeOf, sizeOf, textOf } from './query.ts';
import { readBody, readBodyOf } from './read-body.ts';
import { checkScaling, scalingOf, toKnownSpace } from './scaling.ts';
import { bodyTooLarge, checkPictures, pngSize, tooManyPixels } from './size-limits.ts';
import type { RemoteLimits } from './types.ts';

/*
 * Reads a request's body into latents, and checks all it can before anything is decoded: a status
 * that has been sent cannot be changed.
 */

/** The types of tensors in the protocol, and the bytes of a number. */
export const DTYPES = { float16: 2, bfloat16: 2, float32: 4 } as const;
export type Dtype = keyof typeof DTYPES;
export const DTYPE_NAMES = Object.keys(DTYPES) as Dtype[];

const F32_BYTES = DTYPES.float32;
/** Latent channels in a pixel of a latent PNG. */
const CHANNELS_IN_PIXEL = 4;

const TYPES = `${PNG_TYPE}, ${RAW_TYPE}, or ${TENSOR_TYPE} with a shape in the query`;

/** @throws HttpProblem, TaesdError */
export async function readLatents(
  request: Request,
  params: URLSearchParams,
  reading: Reading,
): Promise<DecodeWork> {
  const type = bodyTypeOf(request);
  if (params.has('shape') || type === TENSOR_TYPE) {
    checkBodyType(type, ['', TENSOR_TYPE, RAW_TYPE], `${TENSOR_TYPE} for a shape in the query`);
    return readProtocol(request, params, reading);
  }
  checkBodyType(type, [PNG_TYPE, RAW_TYPE], TYPES);
  return type === PNG_TYPE ? readPng(request, params, reading) : readRaw(request, params, reading);
}

/** Reads the form of diffusers' client: raw numbers, everything else in the query. */
async function readProtocol(
  request: Request,
  params: URLSearchParams,
  reading: Reading,
): Promise<DecodeWork> {
  const { models, limits } = reading;
  const dtype = choiceOf(params, 'dtype', DTYPE_NAMES);
  const shape = shapeOf(params);
  const scaling = scalingOf(params);
  const size = { width: sizeOf(params, 'width'), height: sizeOf(params, 'height') };
  const isSized = size.width !== undefined || size.height !== undefined;
  const variant = models.choose({
    name: textOf(params, 'model'),
    fits: (one) => fits(shape, one, isSized),
    scaling,
    misfit: noSuchLatents('shape', shapeText(shape)),
  });
  checkScaling(scaling, variant);
  const isPackedShape = isTokens(shape, variant, isSized);
  const isOne = shape.length === 3 && !isPackedShape;
  const output = outputOf(request, params, { dtype, batch: isOne ? 1 : shape[0] }, reading);
  checkShape(shape, isPackedShape ? undefined : shape[shape.length - 1], variant, limits);

  const length = elementCount(shape) * DTYPES[dtype];
  const kind = `${dtype} ${shapeText(shape)}`;
  const bytes = await readBodyOf(request, { length, kind }, { ...reading, bodyMs: limits.bodyMs });
  const layout = isPackedShape ? 'packed' : undefined;
  const { tensor, isPacked } = await readTensor(
    { shape, dtype, data: bytes, layout },
    // The public endpoints take packed latents of every model.
    {
      ...size,
      what: 'latents',
      channels: [variant.latentChannels],
      variant: { ...variant, packed: ['tokens', ...variant.packed] },
    },
  );
  const within = isPacked ? withinPatches(size, tensor.shape, variant) : size;
  const [batch, , latentHeight, latentWidth] = tensor.shape;
  const width = croppedSize('width', within.width, latentWidth, variant);
  const height = croppedSize('height', within.height, latentHeight, variant);
  const whole = { width: latentWidth, height: latentHeight, batch };
  checkPictures(enlarged(whole, variant), limits);
  const space = toKnownSpace(tensor, scaling, variant);
  return { variant, latents: picturesOf(tensor), space, width, height, output };
}

/** Returns true for latents of a model, whole or packed. */
function fits(shape: readonly number[], variant: Variant, isSized: boolean): boolean {
  const { latentChannels, packed } = variant;
  if (isTokens(shape, variant, isSized)) return true;
  if (shape.length === 3) return shape[0] === latentChannels;
  if (shape[1] !== latentChannels) {
    return shape.length === 4 && packed.includes('map') && shape[1] === 4 * latentChannels;
  }
  return shape.length === 4 || shape[2] === 1;
}

/** Returns true for packed latents [N, P, 4·C]. Without a picture's size, [C, h, 4·C] is whole. */
const isTokens = (
  { length, 0: first, 2: last }: readonly number[],
  { latentChannels }: Variant,
  isSized: boolean,
): boolean => length === 3 && last === 4 * latentChannels && (isSized || first !== latentChannels);

/**
 * Checks the size of a batch before its body is read.
 *
 * @param across  latents of a row; undefined if the shape does not tell
 * @throws HttpProblem LIMIT
 */
function checkShape(
  shape: readonly number[],
  across: number | undefined,
  variant: Variant,
  limits: RemoteLimits,
): void {
  const { latentChannels, downscale } = variant;
  const pixels = (elementCount(shape) / latentChannels) * downscale ** 2;
  if (pixels > limits.pixels) throw tooManyPixels(`${pixels}`, limits);
  const width = (across ?? 0) * downscale;
  if (width > limits.width) throw tooManyPixels(`a width of ${width}`, limits);
}

interface Asked {
  readonly dtype: Dtype;
  readonly batch: number;
}

/**
 * Returns the form of the answer.
 *
 * @throws HttpProblem ARG, SHAPE (a batch for one picture), UNSUPPORTED (videos; JPEG that the host
 *   does not make)
 */
function outputOf(
  request: Request,
  params: URLSearchParams,
  { dtype, batch }: Asked,
  { makesJpeg, limits }: Reading,
): Output {
  if (batch > limits.batch) checkPictures({ width: 0, height: 0, batch }, limits);
  const type = choiceOf(params, 'output_type', ['pil', 'pt', 'mp4'], 'pil');
  const format = choiceOf(params, 'image_format', ['png', 'jpg'], 'png');
  const isPartial = flagOf(params, 'partial_postprocess');
  const half = halfTypeFor(dtype);
  if (type === 'mp4') {
    throw notDone('output_type', 'pil or pt', 'mp4', 'these models make pictures');
  }
  if (type === 'pt') return isPartial ? 'bytes' : { dtype: half, range: '[-1,1]' };
  // The client asks for this by a processor, which is not in the query.
  if (accepts(request, TENSOR_TYPE)) return { dtype: half, range: '[0,1]' };
  if (batch > 1) {
    const hint = 'output_type=pt answers with all of them';
    throw new HttpProblem(
      422,
      'SHAPE',
      says('shape', 'a batch of 1 for output_type=pil', `${batch}`, hint),
    );
  }
  if (format === 'png' || makesJpeg) return format;
  const hint = 'image_format=png is answered; encodeJpeg of createRemote adds JPEG';
  throw notDone('image_format', 'png on this server', 'jpg', hint);
}

/** Reads 8-bit latents, whose file may name their model and the picture's size. */
async function readPng(
  request: Request,
  params: URLSearchParams,
  reading: Reading,
): Promise<DecodeWork> {
  const { models, limits } = reading;
  const candidates = models.candidates(textOf(params, 'model'));
  const unnamed = models.preferred(candidates);
  // The size of such latents in f32: four times that of an 8-bit PNG without compression.
  const numbers = (variant: Variant) => variant.latentChannels / variant.downscale ** 2;
  const maxBytes = limits.pixels * F32_BYTES * Math.max(...candidates.map(numbers));
  const { bodyMs } = limits;
  const tooLong = bodyTooLarge(maxBytes);
  const bytes = await readBody(request, { maxBytes, tooLong, bodyMs, room: reading.room });
  const stored = pngSize(bytes);
  if (stored !== undefined) {
    const { width, height } = stored;
    const fitting = candidates.some((one) => isWithin({ width, height }, one, reading));
    if (!fitting) checkPictures(enlarged(unfolded(stored, unnamed), unnamed), limits);
  }
  const file = decodeLatentPng(bytes, unnamed.name);
  const { space } = file.model === undefined ? unnamed : VARIANTS[file.model];
  const ofSpace = candidates.filter((one) => one.space === space);
  if (ofSpace.length === 0) {
    const names = [...new Set(candidates.map((one) => one.space))].join(' or ');
    const hint = 'made by another model; its colours would be wrong';
    throw new HttpProblem(422, 'SHAPE', says('latents', `those of ${names}`, space, hint));
  }
  const variant = models.preferred(ofSpace);
  const [, , height, width] = file.latents.shape;
  const whole = enlarged({ width, height }, variant);
  checkPictures(whole, limits);
  return {
    variant,
    latents: [file.latents],
    space: 'diffusion',
    width: file.width ?? whole.width,
    height: file.height ?? whole.height,
    output: 'png',
  };
}

/** Returns true if latents that lie in a PNG of this size make pictures within the limits. */
function isWithin(stored: Size, variant: Variant, { limits }: Reading): boolean {
  const { width, height } = enlarged(unfolded(stored, variant), variant);
  return width <= limits.width && width * height <= limits.pixels;
}

/** Reads f32 latents [C, h, w], whose width and height are in the query. */
async function readRaw(
  request: Request,
  params: URLSearchParams,
  { models, limits, room }: Reading,
): Promise<DecodeWork> {
  const variant = models.preferred(models.candidates(textOf(params, 'model')));
  const { latentChannels, downscale } = variant;
  const pixels = 64 * downscale;
  const hint = `the latent's, ?width=64&height=64 for ${pixels}×${pixels} pixels`;
  const [width, height] = ['width', 'height'].map((name) => neededSize(params, name, hint));
  checkPictures(enlarged({ width, height }, variant), limits);
  const length = width * height * latentChannels * F32_BYTES;
  const kind = `f32 [${latentChannels},${height},${width}]`;
  const bytes = await readBodyOf(request, { length, kind }, { bodyMs: limits.bodyMs, room });
  // Every machine this runs on is little-endian.
  const data = new Float32Array(bytes.buffer, 0, length / F32_BYTES);
  checkFinite(data);
  const latents: Tensor = { shape: [1, latentChannels, height, width], data };
  const size = enlarged({ width, height }, variant);
  return { variant, latents: [latents], space: 'diffusion', ...size, output: 'png' };
}

/** The decoder checks this too, but only when its turn has come. */
function checkFinite(data: Float32Array): void {
  const got = nonFiniteText(data);
  if (got === undefined) return;
  throw new HttpProblem(422, 'NONFINITE', says('latents', 'finite numbers', got));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the size of a picture by that of its latents. */
const enlarged = <T extends Size>(latent: T, { downscale }: Variant): T => ({
  ...latent,
  width: latent.width * downscale,
  height: latent.height * downscale,
});

/** Returns the size of latents by that of their PNG file, where tiles lie below each other. */
const unfolded = ({ width, height }: Size, { latentChannels }: Variant): Size => ({
  width,
  height: Math.ceil((height * CHANNELS_IN_PIXEL) / latentChannels),
});
