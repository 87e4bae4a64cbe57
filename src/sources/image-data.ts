import { allocateClamped, outOfMemory } from '../allocate.ts';
import { Pacer } from '../backend/pacer.ts';
import { arrayKind } from '../builtins/tags.ts';
import { describe, orList } from '../checks.ts';
import { expected } from '../errors.ts';
import { checkPixelData } from '../image.ts';
import type { FloatData, FloatImageLike, ImageLike, RunOptions } from '../options/types.ts';
import { COLOUR_SPACES, converterToSrgb, type ImageDataSpace } from './to-srgb.ts';

/** Pixels that are converted between two looks at the clock: 2 to 5 ms. */
const PIXELS_AT_ONCE = 2 ** 14;

const BYTES = 'rgba-unorm8';
const BYTE_ARRAYS: readonly string[] = ['Uint8Array', 'Uint8ClampedArray'];

/** The arrays that hold the numbers of a `pixelFormat`. */
const ARRAYS: ReadonlyMap<unknown, readonly string[]> = new Map([
  [BYTES, BYTE_ARRAYS],
  ['rgba-float16', ['Float16Array', 'Float32Array']],
]);

/**
 * Returns true for a picture in memory: bytes in any colour space and from any frame, or numbers
 * with a `pixelFormat`.
 */
export function isImageData(source: unknown): source is ImageLike | FloatImageLike {
  const { width, height, data, pixelFormat } = (source ?? {}) as Partial<FloatImageLike>;
  if (width === undefined || height === undefined || !ArrayBuffer.isView(data)) return false;
  return pixelFormat !== undefined || BYTE_ARRAYS.includes(arrayKind(data));
}

/**
 * Converts a picture in memory to RGBA bytes in sRGB.
 *
 * @param snapshot  a copy of its numbers
 * @throws TaesdError ARG (wrong size or data length, detached data), UNSUPPORTED (an unknown colour
 *   space or format), NONFINITE, OOM, ABORTED
 */
export async function convertImageData(
  source: ImageLike | FloatImageLike,
  snapshot: PromiseSettledResult<unknown>,
  { allowNonFinite, signal }: RunOptions,
): Promise<ImageLike> {
  const { width, height } = source;
  // The copy, as an array may have a `length` or `slice` of its own. Detached data has none.
  const { value: data = source.data } = snapshot as Partial<PromiseFulfilledResult<FloatData>>;
  const channels = checkPixelData({ width, height, data } as ImageLike);
  const full = fullOf(source);
  const space = spaceOf(source);
  if (snapshot.status === 'rejected') throw outOfMemory('image', 'a copy', snapshot.reason);
  if (full === 1 && allowNonFinite !== true) checkFinite(data);
  const pacer = new Pacer(signal);
  const count = width * height;
  const bytes = allocateClamped('picture', 4 * count);
  const convert = converterToSrgb({ data, channels, full, space }, bytes);
  for (let first = 0; first < count; first += PIXELS_AT_ONCE) {
    convert(first, Math.min(first + PIXELS_AT_ONCE, count));
    if (pacer.due) await pacer.turn();
  }
  return { width, height, data: bytes };
}

/** Returns the number that stands for full light. @throws TaesdError UNSUPPORTED, ARG */
function fullOf(source: ImageLike | FloatImageLike): 1 | 255 {
  const { data } = source;
  const { pixelFormat = BYTES } = source as Partial<FloatImageLike>;
  const arrays = ARRAYS.get(pixelFormat);
  if (arrays === undefined) {
    const rule = [...ARRAYS.keys()].join(' or ');
    throw expected('UNSUPPORTED', 'image pixelFormat', rule, describe(pixelFormat));
  }
  if (!arrays.includes(arrayKind(data))) {
    throw expected('ARG', 'image data', `${orList(arrays)} for ${pixelFormat}`, describe(data));
  }
  return pixelFormat === BYTES ? 255 : 1;
}

/** @throws TaesdError UNSUPPORTED (an unknown colour space) */
function spaceOf({ colorSpace = 'srgb' }: ImageLike | FloatImageLike): ImageDataSpace {
  const space = COLOUR_SPACES.get(colorSpace);
  if (space !== undefined) return space;
  const rule = orList([...COLOUR_SPACES.keys()].map(String));
  throw expected('UNSUPPORTED', 'image colorSpace', rule, describe(colorSpace));
}

function checkFinite(data: ArrayLike<number>): void {
  const index = Array.prototype.findIndex.call(data, (value) => !Number.isFinite(value));
  if (index < 0) return;
  const got = `${data[index]} at element ${index}`;
  const remedy = { api: 'allowNonFinite: true clamps it, and NaN to 0' };
  throw expected('NONFINITE', 'image data', 'finite numbers', got, { remedy });
}
