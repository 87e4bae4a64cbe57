import { expected, messageOf, type TaesdError } from '../errors.ts';
import { conversionHint, type PictureKind, pictureKind } from '../first-bytes/pictures.ts';

/** As many bytes as `pictureKind` looks at. */
const FIRST_BYTES = 1024;

/**
 * Decodes a Blob that the browser has refused, from its bytes in one part: Firefox recognises a
 * picture by the first part of its Blob alone, which may be too short.
 *
 * @param cause  the browser's error
 * @throws TaesdError FORMAT (not a picture that the browser reads), ARG (a file that was deleted or
 *   changed)
 */
export async function decodeRefused(blob: Blob, cause: unknown): Promise<ImageBitmap> {
  const kind = pictureKind(await bytesOf(blob.slice(0, FIRST_BYTES)));
  if (kind === undefined) throw refused(blob, kind, cause);
  const whole = new Blob([await bytesOf(blob)], { type: blob.type });
  return createImageBitmap(whole).catch(() => {
    throw refused(blob, kind, cause);
  });
}

async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    const rule = 'a file that is there and unchanged';
    throw expected('ARG', 'image', rule, messageOf(cause), { cause });
  }
}

function refused({ size, type }: Blob, kind: PictureKind | undefined, cause: unknown): TaesdError {
  const named = `a Blob of ${type || 'no type'}${kind === undefined ? '' : `, ${kind.name}`}`;
  const got = size === 0 ? 'an empty Blob' : named;
  const rule = 'a picture that this browser reads';
  return expected('FORMAT', 'image', rule, got, { hint: hintFor(kind), cause });
}

function hintFor(kind: PictureKind | undefined): string | undefined {
  if (kind === undefined) return undefined;
  if (kind.read !== undefined) return 'damaged file?';
  if (kind.name.includes('SVG')) return 'an <img> of its width and height can be encoded';
  return conversionHint(kind);
}
