import { checkBytes } from '../checks.ts';
import { inCall } from '../errors.ts';
import { pictureKind } from '../first-bytes/pictures.ts';
import { startsWith } from '../first-bytes.ts';
import { isFrame } from './jpeg-file.ts';
import { VP8, VP8L, VP8X } from './webp-header.ts';

/** The size of a picture file, as its header states it. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Returns a picture's size from the first bytes of its file, so that a program can refuse a picture
 * of a thousand million pixels before a decoder unpacks it. The size is that of the stored pixels:
 * EXIF may turn them. It checks nothing else; `decodePicture` does.
 *
 * @param bytes  the beginning of a PNG, JPEG, WebP or GIF file. JPEG states its size behind a
 *   thumbnail and a profile: 256 KiB are enough for most files
 * @returns undefined for other files, and if the header is cut off
 * @throws TaesdError ARG (not a Uint8Array)
 */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  inCall('pictureSize', () => checkBytes(bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    switch (pictureKind(bytes)?.read) {
      case 'PNG':
        return { width: view.getUint32(16), height: view.getUint32(20) };
      case 'JPEG':
        return jpegSize(view);
      case 'WebP':
        return webpSize(bytes);
    }
    if (startsWith(bytes, 'GIF8')) {
      return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    }
  } catch (error) {
    // A read past the end of the bytes.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

const WEBP_CHUNKS = new Map([
  ['VP8X', VP8X],
  ['VP8 ', VP8],
  ['VP8L', VP8L],
]);

/** Reads the first chunk: its type, its length and its data. */
function webpSize(bytes: Uint8Array): PictureSize | undefined {
  const header = WEBP_CHUNKS.get(String.fromCharCode(...bytes.subarray(12, 16)));
  const chunk = bytes.subarray(20);
  return header && chunk.length >= header.length ? header.size(chunk) : undefined;
}

/** Walks from marker to marker up to the frame's header. */
function jpegSize(view: DataView): PictureSize | undefined {
  let at = 2;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isFrame(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
