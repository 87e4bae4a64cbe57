import { hasHalf, type Variant } from '../model/variants.ts';
import type { EncodeOptions, PictureSource } from '../options/types.ts';
import { decodePng } from '../png/index.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';
import type { TensorLike } from '../tensor-like/types.ts';
import type { Reading } from './decode-work.ts';
import {
  HALF_BYTES,
  type HalfType,
  halfBytes,
  halfTypeFor,
  type Job,
  tensorHeaders,
} from './job.ts';
import { bodyTypeOf, checkBodyType, PNG_TYPE, RAW_TYPE, TENSOR_TYPE } from './media-type.ts';
import { HttpProblem, notDone, says } from './problem.ts';
import { choiceOf, shapeOf, textOf } from './query.ts';
import { readBody, readBodyOf } from './read-body.ts';
import { DTYPE_NAMES, DTYPES } from './read-latents.ts';
import { checkScaling, fromDiffusion, type Scaling, scalingOf } from './scaling.ts';
import { bodyTooLarge, checkPictures, pngSize } from './size-limits.ts';
import { inOneTurn, type TurnHost } from './turn.ts';

/** A picture file or tensor of a request. */
interface EncodeWork {
  readonly variant: Variant;
  readonly scaling: Scaling;
  readonly batch: number;
  readonly width: number;
  readonly height: number;
  readonly dtype: HalfType;
  readonly inputBytes: number;
  /** Returns the picture or pictures to encode. */
  readonly input: () => PictureSource | TensorLike;
  readonly range: EncodeOptions['range'];
}

/**
 * Reads a request to encode: a PNG file, or a tensor [N, 3, H, W] in [−1, 1].
 *
 * @throws HttpProblem, TaesdError
 */
export async function readPictures(
  request: Request,
  params: URLSearchParams,
  reading: Reading,
): Promise<Job> {
  const type = bodyTypeOf(request);
  const isTensor = params.has('shape') || type === TENSOR_TYPE;
  const rule = isTensor ? `${TENSOR_TYPE} for a shape in the query` : `${PNG_TYPE}, or a tensor`;
  checkBodyType(type, ['', RAW_TYPE, isTensor ? TENSOR_TYPE : PNG_TYPE], rule);
  const scaling = scalingOf(params);
  const variant = reading.models.choose({
    name: textOf(params, 'model'),
    fits: (one) => hasHalf(one, 'encoder'),
    scaling,
    misfit: (candidates) => noEncoder(candidates.map(({ name }) => name).join(', ')),
  });
  checkScaling(scaling, variant);
  const read = isTensor ? readTensorBody : readPngBody;
  return encodeJob({ variant, scaling, ...(await read(request, params, reading)) });
}

type Input = Omit<EncodeWork, 'variant' | 'scaling'>;

async function readTensorBody(
  request: Request,
  params: URLSearchParams,
  { limits, room }: Reading,
): Promise<Input> {
  const dtype = choiceOf(params, 'dtype', DTYPE_NAMES);
  const given = shapeOf(params);
  const shape = given.length === 3 ? [1, ...given] : given;
  const [batch, channels, height, width] = shape;
  if (shape.length !== 4 || (channels !== 3 && channels !== 4)) {
    const rule = 'a picture [N,3,H,W]';
    throw new HttpProblem(422, 'SHAPE', says('shape', rule, shapeText(given)));
  }
  checkPictures({ width, height, batch }, limits);
  const length = elementCount(shape) * DTYPES[dtype];
  const kind = `${dtype} ${shapeText(given)}`;
  const data = await readBodyOf(request, { length, kind }, { bodyMs: limits.bodyMs, room });
  return {
    batch,
    width,
    height,
    dtype: halfTypeFor(dtype),
    inputBytes: length + elementCount(shape) * Float32Array.BYTES_PER_ELEMENT,
    input: () => ({ shape, dtype, data }),
    range: '[-1,1]',
  };
}

/** Bytes of a PNG file beside its pixels, which take at most those of RGBA without compression. */
const PNG_EXTRA = 65_536;

async function readPngBody(
  request: Request,
  params: URLSearchParams,
  { limits, room }: Reading,
): Promise<Input> {
  const dtype = choiceOf(params, 'dtype', ['float16', 'bfloat16'], 'float16');
  const maxBytes = 4 * limits.pixels + PNG_EXTRA;
  const tooLong = bodyTooLarge(maxBytes);
  const bytes = await readBody(request, { maxBytes, tooLong, bodyMs: limits.bodyMs, room });
  // Reading a file without such a size throws what is wrong with it.
  const size = pngSize(bytes) ?? decodePng(bytes, { maxPixels: 1 });
  checkPictures(size, limits);
  const { width, height } = size;
  return {
    ...{ width, height, batch: 1 },
    dtype,
    inputBytes: bytes.length + 8 * width * height,
    input: () => decodePng(bytes, { maxPixels: width * height }),
    range: undefined,
  };
}

function encodeJob(work: EncodeWork): Job {
  const { variant, batch, width, height, dtype, inputBytes } = work;
  const { latentChannels, downscale } = variant;
  const sides = [height, width].map((side) => Math.ceil(side / downscale));
  const count = elementCount([batch, latentChannels, ...sides]);
  let made: Tensor | undefined;
  return {
    model: variant.name,
    workBytes: inputBytes + Float32Array.BYTES_PER_ELEMENT * count,
    answerBytes: HALF_BYTES * count,
    pieceBytes: HALF_BYTES * count,
    // A file may say that its picture is turned by 90°.
    headers: () => tensorHeaders((made as Tensor).shape, dtype),
    async *pieces(host) {
      made = await encoded(work, host);
      yield halfBytes(dtype, made.data);
    },
  };
}

async function encoded(
  { variant, scaling, input, range }: EncodeWork,
  host: TurnHost,
): Promise<Tensor> {
  const latents = await inOneTurn(host, (taesd, alive) => {
    if (!taesd.info.parts.includes('encoder')) {
      throw noEncoder(variant.name);
    }
    return taesd.encode(input(), { range, signal: host.signal, onProgress: alive });
  });
  fromDiffusion(latents, scaling, variant);
  return latents;
}

const noEncoder = (name: string): HttpProblem =>
  notDone('encoder', 'a model with its encoder', `${name}, here a decoder alone`);
