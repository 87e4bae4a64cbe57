import { Pacer } from '../backend/pacer.ts';
import type { FloatImageLike, ImageLike, PictureSource, RunOptions } from '../options/types.ts';
import { convertImageData, isImageData } from './image-data.ts';
import { BLOB, kindOfSource, notSnapped, type SourceKind, unknownSource } from './kinds.ts';
import { pixelsOfBitmap } from './pixels-of-bitmap.ts';
import { decodeRefused } from './refused-blob.ts';

/**
 * Makes a picture of RGBA bytes in sRGB from ImageData of any kind, or from a picture of the
 * browser's: a Blob, an element, a canvas, a frame.
 *
 * @param source    the caller's value, for checks and messages
 * @param fields    its properties, read once
 * @param taken     the numbers or the ImageBitmap that were copied from it at the time of the call
 * @throws TaesdError ARG (not a picture, or one without pixels that can be read), FORMAT (a Blob
 *   that the browser cannot read), UNSUPPORTED (an unknown colour space), NONFINITE, LIMIT, OOM,
 *   ABORTED
 */
export async function pictureOf(
  source: PictureSource,
  fields: Partial<FloatImageLike>,
  taken: Promise<readonly [PromiseSettledResult<unknown>]>,
  options: RunOptions,
): Promise<ImageLike> {
  const [snapshot] = await taken;
  if (isImageData(fields)) return convertImageData(fields, snapshot, options);
  const kind = kindOfSource(source);
  if (kind === undefined) throw unknownSource(source);
  const bitmap = await bitmapOf(source, kind, snapshot);
  try {
    return await pixelsOfBitmap(bitmap, new Pacer(options.signal));
  } finally {
    bitmap.close();
  }
}

/** @throws TaesdError ARG, FORMAT */
function bitmapOf(
  source: PictureSource,
  kind: SourceKind,
  snapshot: PromiseSettledResult<unknown>,
): ImageBitmap | Promise<ImageBitmap> {
  if (snapshot.status === 'fulfilled') return snapshot.value as ImageBitmap;
  if (kind === BLOB) return decodeRefused(source as Blob, snapshot.reason);
  throw notSnapped(source, kind, snapshot.reason);
}
