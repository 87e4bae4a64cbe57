import { Pacer } from '../backend/pacer.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import type { ImageLike, PictureSource, RunOptions } from '../options/types.ts';
import { convertImageData, isImageData } from './image-data.ts';
import { BLOB, kindOfSource, notSnapped, type SourceKind, unknownSource } from './kinds.ts';
import { pixelsOfBitmap } from './pixels-of-bitmap.ts';

/**
 * Makes a picture of RGBA bytes in sRGB from ImageData of any kind, or from a picture of the
 * browser's: a Blob, an element, a canvas, a frame.
 *
 * @param source    the caller's value, for checks and messages
 * @param taken     the numbers or the ImageBitmap that were copied from it at the time of the call
 * @throws TaesdError ARG (not a picture, or one without pixels that can be read), FORMAT (a Blob
 *   that the browser cannot read), UNSUPPORTED (an unknown colour space), NONFINITE, LIMIT, OOM,
 *   ABORTED
 */
export async function pictureOf(
  source: PictureSource,
  taken: Promise<readonly [PromiseSettledResult<unknown>]>,
  options: RunOptions,
): Promise<ImageLike> {
  const [snapshot] = await taken;
  if (isImageData(source)) return convertImageData(source, snapshot, options);
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
async function bitmapOf(
  source: PictureSource,
  kind: SourceKind,
  snapshot: PromiseSettledResult<unknown>,
): Promise<ImageBitmap> {
  if (snapshot.status === 'fulfilled') return snapshot.value as ImageBitmap;
  try {
    if (kind === BLOB) return await createImageBitmap(await inOnePart(source as Blob));
  } catch (error) {
    throw error instanceof TaesdError ? error : notSnapped(source, kind, error);
  }
  throw notSnapped(source, kind, snapshot.reason);
}

/**
 * Returns a Blob's bytes as another Blob. Firefox recognises a picture by the first part of its
 * Blob alone, which may be too short.
 *
 * @throws TaesdError ARG (a file that was deleted or changed)
 */
async function inOnePart(blob: Blob): Promise<Blob> {
  const bytes = await blob.arrayBuffer().catch((cause: unknown) => {
    const rule = 'a file that is there and unchanged';
    throw expected('ARG', 'image', rule, messageOf(cause), { cause });
  });
  return new Blob([bytes], { type: blob.type });
}
