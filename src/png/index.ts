/**
 * PNG files to pixels and back. This entry does not load the rest of the package.
 *
 * @module taesd-wasm/png
 */

export { DEFAULT_MAX_PIXELS } from '../checks.ts';
export type { PngBand, PngRowsHeader, PngRowsOptions } from './check-rows.ts';
export { type DecodedPng, type DecodePngOptions, decodePng } from './read.ts';
export { encodePngRows, PngRowWriter } from './stream.ts';
export { encodePng, type PngImage } from './write.ts';
