import { imageRows } from '../image.ts';
import type { Variant } from '../model/variants.ts';
import type { EncodeOptions, PictureSource } from '../options/types.ts';
import { lazily } from '../platform/lazily.ts';
import { type RowSource, tensorRows } from '../rows.ts';
import { picturesOf, type Tensor } from '../tensor.ts';
import { isTensorLike, readTensor } from '../tensor-like/read-tensor.ts';
import { needsUnitRange } from '../tensor-like/shares-outside.ts';
import type { TensorLike } from '../tensor-like/types.ts';
import { channelsOfPictures, checkPictures, ownImage } from './arguments.ts';
import { whenRead } from './when-read.ts';

/**
 * Copies the pictures of a call that encodes.
 *
 * @returns the rows of each, in [0, 1], with the model's channels or 3; a promise if a device or
 *   browser has the numbers
 * @throws TaesdError ARG (not a picture, values outside the range), SHAPE, NONFINITE, OOM, ABORTED;
 *   as `pictureOf`
 */
export function picturesOfCall(
  image: PictureSource | TensorLike,
  options: EncodeOptions,
  variant: Variant,
): readonly RowSource[] | Promise<readonly RowSource[]> {
  const { allowNonFinite, range, signal } = options;
  if (!isTensorLike(image)) {
    const own = ownImage(image, options);
    return whenRead(own, signal, (copy) => {
      const rows = [imageRows(copy, options, variant.pictureChannels)];
      return range === undefined ? rows : refusingRange(range).then(() => rows);
    });
  }
  const channels = channelsOfPictures(variant);
  const read = readTensor(image, { what: 'image', channels, allowNonFinite });
  const rowsOf = (tensor: Tensor) => picturesOf(tensor).map(tensorRows);
  return whenRead(read, signal, ({ tensor }) => {
    checkPictures(tensor, channels);
    return needsUnitRange(tensor.data, range)
      ? inUnitRange(tensor, range).then(rowsOf)
      : rowsOf(tensor);
  });
}

/** Refuses a range for a picture, whose bytes have their own. @throws TaesdError ARG */
async function refusingRange(range: EncodeOptions['range']): Promise<void> {
  (await lazily(() => import('../tensor-like/picture-range.ts'))).refuseRange(range, 'a picture');
}

/** Converts a picture tensor, or refuses it. */
async function inUnitRange(tensor: Tensor, range: EncodeOptions['range']): Promise<Tensor> {
  // Imported when needed: most pictures are bytes.
  const { toUnitRange } = await lazily(() => import('../tensor-like/picture-range.ts'));
  toUnitRange(tensor.data, range);
  return tensor;
}
