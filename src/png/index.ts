/** PNG files to pixels and back; usable on its own. */

export { DEFAULT_MAX_PIXELS } from './header.ts';
export { type DecodedPng, type DecodePngOptions, decodePng } from './read.ts';
export {
  encodePngRows,
  type PngBand,
  type PngRowsHeader,
  type PngRowsOptions,
  PngRowWriter,
} from './stream.ts';
export { encodePng, type PngImage } from './write.ts';
