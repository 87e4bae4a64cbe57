import { tagOf } from '../builtins/tags.ts';
import { expected, messageOf, type TaesdError } from '../errors.ts';
import { notPicture } from '../image.ts';

/*
 * The pictures of browsers by kind, and the reasons why one of them has no pixels.
 */

/** A kind of picture that browsers have. */
export interface SourceKind {
  /** The right value, for messages. */
  readonly rule: string;
  /** Says why this one has no pixels; undefined if its state does not show it. */
  readonly fault: (source: Readonly<Record<string, unknown>>) => string | undefined;
  readonly hint: string;
}

const BITMAP: SourceKind = {
  rule: 'an ImageBitmap that is open',
  fault: ({ width }) => (width === 0 ? 'one that was closed or transferred' : undefined),
  hint: 'encode it before it is closed, or pass a copy on',
};

const IMAGE: SourceKind = {
  rule: 'an <img> that has loaded',
  fault: ({ complete, naturalWidth }) => {
    if (complete === false) return 'one that has not';
    return naturalWidth === 0 ? 'one without a picture' : undefined;
  },
  hint: 'await its decode() first; an SVG needs a width and a height',
};

const CANVAS: SourceKind = {
  rule: 'a canvas of at least 1×1',
  fault: ({ width, height }) => (width === 0 || height === 0 ? `${width}×${height}` : undefined),
  hint: 'some browsers read no canvas before it has a context',
};

const FRAME: SourceKind = {
  rule: 'a VideoFrame that is open',
  fault: ({ codedWidth }) => (codedWidth === 0 ? 'one that was closed or transferred' : undefined),
  hint: 'encode it before it is closed',
};

const VIDEO: SourceKind = {
  rule: 'a <video> that shows a frame',
  fault: ({ readyState }) => (Number(readyState) < 2 ? 'one without any' : undefined),
  hint: 'wait for its event loadeddata',
};

/** Its faults are those of its file; see `decodeRefused`. */
export const BLOB: SourceKind = { rule: 'a picture', fault: () => undefined, hint: '' };

/** The kinds by the tags of their objects, which are those of every window and frame. */
const KINDS = new Map<string, SourceKind>([
  ['Blob', BLOB],
  ['File', BLOB],
  ['ImageBitmap', BITMAP],
  ['HTMLImageElement', IMAGE],
  ['SVGImageElement', IMAGE],
  ['HTMLCanvasElement', CANVAS],
  ['OffscreenCanvas', CANVAS],
  ['VideoFrame', FRAME],
  ['HTMLVideoElement', VIDEO],
]);

/** Returns the kind of a picture of the browser's; undefined for other values, and elsewhere. */
export const kindOfSource = (source: unknown): SourceKind | undefined =>
  typeof createImageBitmap === 'function' ? KINDS.get(tagOf(source)) : undefined;

/** Makes the error of a picture that the browser has no pixels of. @param cause  its own error */
export function notSnapped(source: object, kind: SourceKind, cause: unknown): TaesdError {
  if (isTainted(cause)) return tainted(cause);
  const got = kind.fault(source as Readonly<Record<string, unknown>>) ?? messageOf(cause);
  return expected('ARG', 'image', kind.rule, got, { hint: kind.hint, cause });
}

/** Returns true for the error of pixels that came from another site without its permission. */
export const isTainted = (error: unknown): boolean =>
  (error as Partial<DOMException> | null)?.name === 'SecurityError';

/** Makes the error of such a picture. */
export const tainted = (cause: unknown): TaesdError =>
  expected('ARG', 'image', 'a picture that this page may read', 'one of another site', {
    hint: 'crossOrigin="anonymous" on the element helps if its server allows it',
    cause,
  });

/** Makes the error of a value that is no picture in this runtime. */
export function unknownSource(source: unknown): TaesdError {
  const kind = KINDS.get(tagOf(source));
  const isCanvas = typeof (source as Partial<HTMLCanvasElement> | null)?.getContext === 'function';
  if (kind === BLOB) return notPicture(source, { hint: BYTES_HINT });
  if (isCanvas) return notPicture(source, { hint: CANVAS_HINT });
  return notPicture(source, kind && { hint: 'only browsers read its pixels' });
}

const BYTES_HINT = 'decodePicture(await blob.arrayBuffer()) of taesd-wasm/picture reads it';
const CANVAS_HINT = "getContext('2d').getImageData(0, 0, width, height) gives its pixels";
