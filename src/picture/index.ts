/**
 * PNG, JPEG and WebP files to pixels. This entry does not load the rest of the package.
 *
 * @module taesd-wasm/picture
 */

export { DEFAULT_MAX_PIXELS } from '../checks.ts';
export {
  type DecodedPicture,
  type DecodePictureOptions,
  decodePicture,
} from './decode-picture.ts';
export { type PictureSize, pictureSize } from './picture-size.ts';
export { sizeWithin } from './size-within.ts';
