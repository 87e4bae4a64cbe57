import { type BytesLike, bytesOf } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { pictureKind } from '../first-bytes/pictures.ts';
import type { DecodedPicture, DecodePictureOptions } from '../picture/decode-picture.ts';
import { type DecodePngOptions, decodePng } from '../png/index.ts';
import { fileName } from './here.ts';

/*
 * Stands in for `picture/decode-picture.ts` in the files that hold the whole package: the decoders
 * of JPEG and WebP are packages of 63 and 49 kB, each with a file of WebAssembly.
 */

export type { DecodedPicture, DecodePictureOptions } from '../picture/decode-picture.ts';

/** Reads a PNG file. @throws TaesdError as the other, and UNSUPPORTED (JPEG, WebP) */
export function decodePicture(
  bytes: BytesLike,
  options: DecodePictureOptions = {},
): Promise<DecodedPicture> {
  return inCall('decodePicture', async () => {
    const kind = pictureKind(bytesOf(bytes))?.read;
    if (kind === 'JPEG' || kind === 'WebP') throw refused(kind);
    const { data, ...picture } = decodePng(bytes, options as DecodePngOptions);
    const { buffer, byteOffset, length } = data;
    const clamped = new Uint8ClampedArray(buffer as ArrayBuffer, byteOffset, length);
    return { kind: 'PNG' as const, ...picture, data: clamped };
  });
}

const refused = (kind: string) =>
  expected('UNSUPPORTED', 'bytes', 'a PNG file', `${kind}, whose decoder ${fileName()} lacks`, {
    remedy: { api: 'in a page, encode takes the file as a Blob; the npm package decodes it' },
  });
