import { expected, type TaesdError } from '../errors.ts';
import type { StoredPicture } from '../picture/decode-file.ts';
import { fileName } from './here.ts';

/*
 * Stands in for the readers of JPEG and WebP in the files that hold the whole package: their
 * decoders are packages of 63 and 49 kB, each with a file of WebAssembly.
 */

export type { StoredPicture } from '../picture/decode-file.ts';
export { isFrame } from '../picture/jpeg-file.ts';

export const JPEG = 'JPEG';
export const WEBP = 'WebP';

const refused = (kind: string): TaesdError =>
  expected('UNSUPPORTED', kind, 'a PNG file', `${kind}, whose decoder ${fileName()} lacks`, {
    remedy: { api: 'in a page, encode takes the file as a Blob; the npm package decodes it' },
  });

/** @throws TaesdError UNSUPPORTED */
export function readJpegFile(): never {
  throw refused(JPEG);
}

/** @throws TaesdError UNSUPPORTED */
export function readWebpFile(): never {
  throw refused(WEBP);
}

/** @throws TaesdError UNSUPPORTED */
export async function decodeFile(kind: string): Promise<StoredPicture> {
  throw refused(kind);
}
