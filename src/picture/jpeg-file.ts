import { expected, TaesdError } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';
import { checkPixelCount } from './limits.ts';

/** The contents of a JPEG file's segments, checked. */
export interface JpegFile {
  readonly width: number;
  readonly height: number;
  /** 1, grey, or 3, colours. */
  readonly components: number;
  /** The first EXIF segment, from `Exif` on; undefined without one. */
  readonly exif: Uint8Array | undefined;
  /** The ICC profile, of no bytes if a part is missing; undefined without one. */
  readonly profile: Uint8Array | undefined;
}

/** The second bytes of the markers. Source: ITU-T T.81, table B.1 */
const [SOI, EOI, SOS, APP1, APP2] = [0xd8, 0xd9, 0xda, 0xe1, 0xe2];
const TEM = 0x01;
/** The restart markers stand inside scans and have no length. */
const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
/** The frame headers: C0 to CF but DHT, JPG and DAC. */
export const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The frames that the decoder reads: baseline, extended and progressive, with Huffman codes. */
const MAX_FRAME = 0xc2;
/** The longest side of the decoder, JPEG_MAX_DIMENSION of libjpeg. */
const MAX_SIDE = 65500;
/**
 * The largest number of scans. Real progressive files have about 10. Each costs a walk over the
 * whole picture, 6 ms for 2048×2048, and a few bytes are enough for one of any size.
 */
const MAX_SCANS = 100;

const ICC_PREFIX = 'ICC_PROFILE\0';

/**
 * Walks the segments of a JPEG file up to its end marker, in time linear in its length. Bytes
 * behind the end marker, which phones write, are not looked at.
 * Source: ITU-T T.81, annex B
 *
 * @throws TaesdError FORMAT (a rule is broken), TRUNCATED (no end marker), UNSUPPORTED (four
 *   components, a process that no browser reads), LIMIT (too many pixels or scans)
 */
export function readJpegFile(bytes: Uint8Array, maxPixels: number): JpegFile {
  let frame: Pick<JpegFile, 'width' | 'height' | 'components'> | undefined;
  let exif: Uint8Array | undefined;
  const profileParts: Uint8Array[] = [];
  let scans = 0;
  for (let at = nextMarker(bytes, 2); ; ) {
    const marker = bytes[at + 1];
    if (marker === TEM || isRestart(marker)) {
      at = nextMarker(bytes, at + 2);
      continue;
    }
    const what = `marker ff ${marker.toString(16).padStart(2, '0')} at byte ${at}`;
    if (marker === EOI) {
      if (frame === undefined || scans === 0) {
        throw expected('FORMAT', what, 'a scan before it', 'none', { hint: 'damaged file?' });
      }
      return { ...frame, exif, profile: joinedProfile(profileParts) };
    }
    if (marker === SOI) throw expected('FORMAT', what, 'one start marker', 'a second');
    const segment = segmentAt(bytes, at, what);
    if (isFrame(marker)) {
      if (frame !== undefined) throw expected('FORMAT', what, 'one frame', 'a second');
      frame = readFrame(marker, segment, what);
      checkPixelCount(what, frame.width, frame.height, maxPixels);
    } else if (marker === APP1 && startsWith(segment, 'Exif\0\0')) {
      exif ??= segment;
    } else if (marker === APP2 && startsWith(segment, ICC_PREFIX)) {
      profileParts.push(segment.subarray(ICC_PREFIX.length));
    } else if (marker === SOS) {
      if (frame === undefined) throw expected('FORMAT', what, 'a frame before it', 'none');
      scans++;
      if (scans > MAX_SCANS) throw expected('LIMIT', what, `at most ${MAX_SCANS} scans`, 'more');
    }
    at = nextMarker(bytes, at + 4 + segment.length, marker === SOS);
  }
}

/**
 * Joins the parts of a profile: each has a number from 1, the count of parts, and data.
 * Source: ICC.1:2022, B.4
 *
 * @returns no bytes if a part is missing, undefined without parts
 */
function joinedProfile(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length === 0) return undefined;
  const ordered = [...parts].sort((a, b) => a[0] - b[0]);
  const isWhole = ordered.every((part, n) => part[0] === n + 1 && part[1] === ordered.length);
  if (!isWhole) return new Uint8Array(0);
  const bytes = new Uint8Array(ordered.reduce((sum, part) => sum + part.length - 2, 0));
  let at = 0;
  for (const part of ordered) {
    bytes.set(part.subarray(2), at);
    at += part.length - 2;
  }
  return bytes;
}

/**
 * Returns the offset of the next marker. In a scan, ff 00 stands for the byte ff, and restart
 * markers belong to the data. Between segments stray bytes are skipped, as every decoder does.
 *
 * @throws TaesdError TRUNCATED (none up to the end of the file)
 */
function nextMarker(bytes: Uint8Array, from: number, inScan = false): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    // Any number of ff may precede a marker.
    if (marker === undefined || marker === 0 || marker === 0xff) continue;
    if (!(inScan && isRestart(marker))) return at;
  }
  throw cutOff(bytes, 'an end marker, ff d9');
}

const cutOff = (bytes: Uint8Array, rule: string): TaesdError =>
  expected('TRUNCATED', `byte ${bytes.length}`, rule, 'the end of the file', {
    hint: 'the file is cut off',
  });

/** Returns the contents of the segment at a marker. @throws TaesdError FORMAT, TRUNCATED */
function segmentAt(bytes: Uint8Array, at: number, what: string): Uint8Array {
  if (at + 4 > bytes.length) throw cutOff(bytes, `the length of ${what}`);
  const length = bytes[at + 2] * 256 + bytes[at + 3];
  if (length < 2) throw expected('FORMAT', what, 'a length of at least 2', `${length}`);
  const end = at + 2 + length;
  if (end > bytes.length) throw cutOff(bytes, `${length} bytes of ${what}`);
  return bytes.subarray(at + 4, end);
}

/** Reads a frame header. Source: ITU-T T.81, B.2.2 */
function readFrame(marker: number, segment: Uint8Array, what: string) {
  if (marker > MAX_FRAME) {
    const got = FRAME_NAMES[marker] ?? 'a hierarchical or lossless one';
    const rule = 'a baseline or progressive JPEG with Huffman codes';
    throw expected('UNSUPPORTED', what, rule, got, { hint: CONVERT });
  }
  const [precision, h1, h0, w1, w0, components] = segment;
  if (segment.length < 6 || segment.length !== 6 + 3 * components) {
    throw expected('FORMAT', what, 'a header of its components', `${segment.length} bytes`);
  }
  if (precision !== 8) {
    throw expected('UNSUPPORTED', what, '8 bits a sample', `${precision}`, { hint: CONVERT });
  }
  if (components !== 1 && components !== 3) {
    if (components === 4) throw new TaesdError('UNSUPPORTED', CMYK);
    const rule = '1 or 3 components (grey or colours)';
    throw expected('UNSUPPORTED', what, rule, `${components}`, { hint: CONVERT });
  }
  const [width, height] = [w1 * 256 + w0, h1 * 256 + h0];
  if (width === 0) throw expected('FORMAT', what, 'a width from 1', '0');
  if (height === 0) {
    const hint = 'its height would follow the first scan (DNL), which no browser reads';
    throw expected('UNSUPPORTED', what, 'a height from 1', '0', { hint });
  }
  if (Math.max(width, height) > MAX_SIDE) {
    throw expected('UNSUPPORTED', what, `sides up to ${MAX_SIDE}`, `${width}×${height}`);
  }
  return { width, height, components };
}

const CONVERT = '"magick in.jpg out.png" of ImageMagick makes a PNG of it';
const CMYK =
  'a CMYK JPEG, for printing, is not read ("magick in.jpg -colorspace sRGB out.png" of ImageMagick makes a PNG of it)';

const FRAME_NAMES: Readonly<Record<number, string>> = {
  195: 'a lossless one',
  201: 'one with arithmetic codes',
  202: 'one with arithmetic codes',
};
