import { allocate } from '../allocate.ts';
import { type BytesLike, bytesOf, checkMaxPixels, checkNames, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { orientationOf, oriented } from '../exif/index.ts';
import { conversionHint, pictureKind } from '../first-bytes/pictures.ts';
import { foreignError, hexText, NOT_DOWNLOADED, unknownFile } from '../first-bytes.ts';
import { lazily } from '../platform/lazily.ts';
import type { DecodePngOptions } from '../png/index.ts';
import { decodeFile, JPEG, type StoredPicture, WEBP } from './decode-file.ts';
import { type JpegFile, readJpegFile } from './jpeg-file.ts';
import { readWebpFile, type WebpFile } from './webp-file.ts';

/** A picture that was read from a file. */
export interface DecodedPicture {
  readonly kind: 'PNG' | 'JPEG' | 'WebP';
  readonly width: number;
  readonly height: number;
  /**
   * RGBA, u8 [height][width][4], row-major, upright. Alpha is straight (not premultiplied). `new
   * ImageData(data, width, height)` takes it as it is.
   */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** The texts of a PNG file by keyword, as `decodePng` gives them; empty for other kinds. */
  readonly text: ReadonlyMap<string, string>;
  /** Sentences about what was not converted or was left out, for people. Usually none. */
  readonly notes: readonly string[];
}

/** The options of `decodePicture`. */
export interface DecodePictureOptions {
  /** The largest width × height accepted, 1 to 2²⁹. Defaults to 2²⁶ (`DEFAULT_MAX_PIXELS`). */
  readonly maxPixels?: number | undefined;
  /**
   * `raw` leaves pixels as they are stored: not turned, and without conversion of colours. Defaults
   * to `srgb`.
   */
  readonly colour?: 'srgb' | 'raw' | undefined;
}

/**
 * Reads a PNG, JPEG or WebP file. PNG is read as `decodePng` does. JPEG and WebP need the optional
 * packages `@jsquash/jpeg` and `@jsquash/webp`; their pixels equal those of sharp, up to 1
 * of 255 if colours are converted from an ICC profile. The header is
 * checked before a decoder is loaded or memory allocated. EXIF orientation is applied, and colours
 * of an ICC profile are converted to sRGB as those of PNG are.
 *
 * @param bytes  the whole file, a view or an ArrayBuffer; it is copied at the time of the call
 * @throws TaesdError FORMAT (not a picture, or breaks a rule of its format), TRUNCATED (cut off),
 *   INTEGRITY (damaged), UNSUPPORTED (another kind of picture, which the message names; a JPEG of
 *   four components; an animation; a package that is not installed), LIMIT (more than `maxPixels`,
 *   or a JPEG of more than 100 scans), ARG, OOM
 */
export function decodePicture(
  bytes: BytesLike,
  options: DecodePictureOptions = {},
): Promise<DecodedPicture> {
  return inCall('decodePicture', async () => {
    const { data, ...picture } = await decode(bytesOf(bytes), options);
    const { buffer, byteOffset, length } = data;
    const clamped = new Uint8ClampedArray(buffer as ArrayBuffer, byteOffset, length);
    return { ...picture, data: clamped };
  });
}

/** A picture as the decoders leave it. */
type RawPicture = Omit<DecodedPicture, 'data'> & Pick<StoredPicture, 'data'>;

async function decode(bytes: Uint8Array, options: DecodePictureOptions): Promise<RawPicture> {
  checkNames(options, ['maxPixels', 'colour']);
  const maxPixels = checkMaxPixels(options.maxPixels);
  const colour = checkColour(options.colour);
  switch (checkKind(bytes)) {
    case 'JPEG': {
      const own = ownCopy(bytes);
      const file = readJpegFile(own, maxPixels);
      const stored = await decodeFile(JPEG, own, file);
      return colour === 'raw' ? asStored('JPEG', stored) : shown('JPEG', stored, file);
    }
    case 'WebP': {
      const own = ownCopy(bytes);
      const file = readWebpFile(own, maxPixels);
      const stored = await decodeFile(WEBP, own, file);
      return colour === 'raw' ? asStored('WebP', stored) : shown('WebP', stored, file);
    }
    default:
      return readPng(ownCopy(bytes), { ...options, colour } as DecodePngOptions);
  }
}

async function readPng(bytes: Uint8Array, options: DecodePngOptions): Promise<RawPicture> {
  // Imported when needed, like the decoders of the other kinds.
  const { decodePng } = await lazily(() => import('../png/read.ts'));
  return { kind: 'PNG', ...decodePng(bytes, options) };
}

/** A decoder has to be loaded first, and the caller may change the bytes meanwhile. */
const ownCopy = (bytes: Uint8Array): Uint8Array =>
  allocate('bytes', `${bytes.length} bytes`, () => bytes.slice());

type Kind = 'JPEG' | 'WebP';

const asStored = (kind: Kind, stored: StoredPicture): RawPicture => ({
  kind,
  ...stored,
  text: new Map(),
});

/** The meaning of a file's pixels, as it states it. WebP has colours alone. */
type Meaning = Pick<JpegFile | WebpFile, 'exif' | 'profile'> &
  Partial<Pick<JpegFile, 'components'>>;

/** Returns a picture with its colours and its orientation as the file says. */
async function shown(
  kind: Kind,
  stored: StoredPicture,
  { exif, profile, components }: Meaning,
): Promise<RawPicture> {
  const notes = [...stored.notes];
  if (profile !== undefined) {
    // Imported when needed: many photographs have no profile.
    const { applyProfile } = await lazily(() => import('./profile.ts'));
    const reason = applyProfile(stored.data, profile, components === 1 ? 'GRAY' : 'RGB');
    if (reason !== undefined) notes.push(`${kind}: the profile is not applied: ${reason}`);
  }
  const { width, height, data } = stored;
  const turned: Omit<RawPicture, 'kind' | 'text' | 'notes'> = oriented(
    { width, height, data },
    exif === undefined ? 1 : orientationOf(exif),
  );
  return { kind, ...turned, text: new Map(), notes };
}

/** @throws TaesdError FORMAT (no known kind), TRUNCATED (too short to tell), UNSUPPORTED */
function checkKind(bytes: Uint8Array): 'PNG' | 'JPEG' | 'WebP' {
  const rule = 'a PNG, JPEG or WebP file';
  if (bytes.length === 0) {
    throw expected('FORMAT', 'bytes', rule, '0 bytes', { hint: 'empty file?' });
  }
  const kind = pictureKind(bytes);
  if (kind?.read !== undefined) return kind.read;
  if (kind !== undefined) {
    const hint = conversionHint(kind);
    throw expected('UNSUPPORTED', 'bytes', rule, kind.name, { hint });
  }
  const notDownloaded = foreignError(bytes, rule, NOT_DOWNLOADED);
  if (notDownloaded !== undefined) throw notDownloaded;
  const isCut = STARTS.some((start) => bytes.every((byte, i) => byte === start[i]));
  const got = isCut ? `only bytes ${hexText(bytes)}` : unknownFile(bytes);
  const hint = isCut ? 'the file is cut off' : undefined;
  throw expected(isCut ? 'TRUNCATED' : 'FORMAT', 'bytes', rule, got, { hint });
}

/** The first bytes of files that are cut off within them. */
const STARTS = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x52, 0x49, 0x46, 0x46],
] as const;

function checkColour(colour: unknown = 'srgb'): 'srgb' | 'raw' {
  if (colour === 'srgb' || colour === 'raw') return colour;
  throw expected('ARG', 'colour', "'srgb' or 'raw'", describe(colour));
}
