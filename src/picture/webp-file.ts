import { expected, TaesdError } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';
import { checkPixelCount } from './limits.ts';
import { VP8, VP8L, VP8X } from './webp-header.ts';

/** The contents of a WebP file's chunks, checked. */
export interface WebpFile {
  readonly width: number;
  readonly height: number;
  /** The EXIF chunk; undefined without one. */
  readonly exif: Uint8Array | undefined;
  /** The ICC profile; undefined without one. */
  readonly profile: Uint8Array | undefined;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The flag of VP8X for animations. */
const ANIMATION = 0x02;
const [FIRST_CHUNK, CHUNK_HEADER] = [12, 8];

/**
 * Walks the chunks of a WebP file, in time linear in its length. Bytes behind the size that its
 * header states are not looked at.
 * Source: https://developers.google.com/speed/webp/docs/riff_container
 *
 * @throws TaesdError FORMAT (a rule is broken), TRUNCATED (shorter than the header states),
 *   UNSUPPORTED (an animation), LIMIT (more than `maxPixels`)
 */
export function readWebpFile(bytes: Uint8Array, maxPixels: number): WebpFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) {
    throw cutOff('RIFF at byte 0', `${end} bytes in all, as its header states`, bytes.length);
  }
  let canvas: Size | undefined;
  let picture: Size | undefined;
  let exif: Uint8Array | undefined;
  let profile: Uint8Array | undefined;
  // An odd chunk is followed by a byte of padding.
  for (let at = FIRST_CHUNK; at + CHUNK_HEADER <= end; ) {
    const data = at + CHUNK_HEADER;
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const what = `${/^[ -~]{4}$/.test(type) ? type.trim() : 'chunk'} at byte ${at}`;
    if (data + length > end) throw cutOff(what, `${length} bytes`, end - data);
    const chunk = bytes.subarray(data, data + length);
    if (at === FIRST_CHUNK && !['VP8X', 'VP8 ', 'VP8L'].includes(type)) {
      throw expected('FORMAT', what, 'VP8X, VP8 or VP8L first', type);
    }
    if (type === 'VP8X' && at === FIRST_CHUNK) {
      canvas = readCanvas(chunk, what);
      checkPixelCount(what, canvas.width, canvas.height, maxPixels);
    } else if (type === 'ANIM' || type === 'ANMF') {
      throw animated();
    } else if (type === 'VP8 ' || type === 'VP8L') {
      picture ??= type === 'VP8 ' ? readLossy(chunk, what) : readLossless(chunk, what);
      checkPixelCount(what, picture.width, picture.height, maxPixels);
    } else if (type === 'EXIF') {
      exif ??= chunk;
    } else if (type === 'ICCP') {
      profile ??= chunk;
    }
    // A file that begins with its picture has no further chunks of meaning.
    if (canvas === undefined) break;
    at = data + length + (length % 2);
  }
  if (picture === undefined) {
    throw expected('FORMAT', 'RIFF at byte 0', 'a chunk VP8 or VP8L', 'none');
  }
  if (canvas !== undefined && !(canvas.width === picture.width && canvas.height === picture.height))
    throw expected(
      'FORMAT',
      'VP8X at byte 12',
      `a canvas of ${sizeText(picture)}`,
      sizeText(canvas),
    );
  return { ...picture, exif, profile };
}

const sizeText = ({ width, height }: Size): string => `${width}×${height}`;

const cutOff = (what: string, rule: string, got: number): TaesdError =>
  expected('TRUNCATED', what, rule, `${got}`, { hint: 'the file is cut off' });

const animated = (): TaesdError =>
  new TaesdError(
    'UNSUPPORTED',
    'an animated WebP is not read ("webpmux -get frame 1 in.webp -o out.webp" of libwebp extracts a frame)',
  );

/** @throws TaesdError TRUNCATED (a chunk that is too short for its header) */
function checkLength(chunk: Uint8Array, what: string, length: number): void {
  if (chunk.length < length) throw cutOff(what, `at least ${length} bytes`, chunk.length);
}

function readCanvas(chunk: Uint8Array, what: string): Size {
  checkLength(chunk, what, VP8X.length);
  if ((chunk[0] & ANIMATION) !== 0) throw animated();
  return VP8X.size(chunk);
}

/** Reads the header of a key frame. Source: RFC 6386, 9.1 */
function readLossy(chunk: Uint8Array, what: string): Size {
  checkLength(chunk, what, VP8.length);
  if ((chunk[0] & 1) !== 0 || !startsWith(chunk.subarray(3), '\x9d\x01\x2a')) {
    throw expected('FORMAT', what, 'a key frame', 'another start', { hint: 'damaged file?' });
  }
  return checkSides(VP8.size(chunk), what);
}

/** Source: RFC 9649, 3.4 */
function readLossless(chunk: Uint8Array, what: string): Size {
  checkLength(chunk, what, VP8L.length);
  if (chunk[0] !== 0x2f) {
    throw expected('FORMAT', what, 'a first byte of 2f', chunk[0].toString(16).padStart(2, '0'));
  }
  return VP8L.size(chunk);
}

function checkSides(size: Size, what: string): Size {
  if (size.width > 0 && size.height > 0) return size;
  throw expected('FORMAT', what, 'sides from 1', sizeText(size));
}
