import { checkBytes } from '../checks.ts';
import { inCall } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';

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
    if (startsWith(bytes, '\x89PNG')) {
      return { width: view.getUint32(16), height: view.getUint32(20) };
    }
    if (startsWith(bytes, 'GIF8')) {
      return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    }
    if (startsWith(bytes, 'RIFF') && startsWith(bytes.subarray(8), 'WEBP')) return webpSize(view);
    if (startsWith(bytes, '\xff\xd8\xff')) return jpegSize(view);
  } catch (error) {
    // A read past the end of the bytes.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function webpSize(view: DataView): PictureSize | undefined {
  const chunk = String.fromCharCode(...[12, 13, 14, 15].map((at) => view.getUint8(at)));
  const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 2 ** 16;
  if (chunk === 'VP8X') return { width: uint24(24) + 1, height: uint24(27) + 1 };
  if (chunk === 'VP8 ') {
    const side = (at: number) => view.getUint16(at, true) & 0x3fff;
    return { width: side(26), height: side(28) };
  }
  if (chunk !== 'VP8L') return undefined;
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
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
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
