import { isRangeError } from '../builtins/tags.ts';
import { type BytesLike, bytesOf } from '../checks.ts';
import { inCall } from '../errors.ts';
import { orientationOf } from '../exif/index.ts';
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
 * of a thousand million pixels before a decoder unpacks it. The size is that of
 * `decodePicture`, upright, if the bytes reach the EXIF data: in WebP files, and in some PNG files,
 * they stand behind the pixels. It checks nothing else; `decodePicture` does.
 *
 * @param bytes  the beginning of a PNG, JPEG, WebP or GIF file. JPEG states its size behind a
 *   thumbnail and a profile: 256 KiB are enough for most files
 * @returns undefined for other files, and if the header is cut off
 * @throws TaesdError ARG (not a Uint8Array, ArrayBuffer or view)
 */
export function pictureSize(bytes: BytesLike): PictureSize | undefined {
  const file = inCall('pictureSize', () => bytesOf(bytes));
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    switch (pictureKind(file)?.read) {
      case 'PNG':
        return pngSize(file, view);
      case 'JPEG':
        return jpegSize(file, view);
      case 'WebP':
        return webpSize(file, view);
    }
    if (startsWith(file, 'GIF8')) {
      return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    }
  } catch (error) {
    // A read past the end of the bytes.
    if (!isRangeError(error)) throw error;
  }
  return undefined;
}

const WEBP_CHUNKS = new Map([
  ['VP8X', VP8X],
  ['VP8 ', VP8],
  ['VP8L', VP8L],
]);

/** Reads the first chunk: its type, its length and its data. EXIF stands behind the pixels. */
function webpSize(bytes: Uint8Array, view: DataView): PictureSize | undefined {
  const type = textAt(bytes, 12);
  const header = WEBP_CHUNKS.get(type);
  const chunk = bytes.subarray(20);
  if (header === undefined || chunk.length < header.length) return undefined;
  const size = header.size(chunk);
  for (let at = 12; type === 'VP8X' && at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (textAt(bytes, at) === 'EXIF') return turned(size, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  return size;
}

/** Reads the header, and walks from chunk to chunk up to the orientation. */
function pngSize(bytes: Uint8Array, view: DataView): PictureSize {
  const size = { width: view.getUint32(16), height: view.getUint32(20) };
  for (let at = 8; at + 9 <= bytes.length; ) {
    const data = at + 8;
    const length = view.getUint32(at);
    // Browsers read no EXIF data that begin with "Exif".
    if (textAt(bytes, at + 4) === 'eXIf' && bytes[data] !== 0x45) {
      return turned(size, bytes.subarray(data, data + length));
    }
    at = data + length + 4;
  }
  return size;
}

const [SOS, APP1] = [0xda, 0xe1];

/** Walks from marker to marker up to the first scan, past the frame's header and EXIF. */
function jpegSize(bytes: Uint8Array, view: DataView): PictureSize | undefined {
  let size: PictureSize | undefined;
  let exif: Uint8Array | undefined;
  for (let at = 2; bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === SOS || (size !== undefined && at + 4 > bytes.length)) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (isFrame(marker)) size = { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    const segment = bytes.subarray(at + 4, end);
    if (marker === APP1 && startsWith(segment, 'Exif\0\0')) exif ??= segment;
    at = end;
  }
  return size && turned(size, exif);
}

const textAt = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + 4));

/** Returns the size as viewers show the picture. */
function turned({ width, height }: PictureSize, exif: Uint8Array | undefined): PictureSize {
  const swaps = exif !== undefined && orientationOf(exif) >= 5;
  return swaps ? { width: height, height: width } : { width, height };
}
