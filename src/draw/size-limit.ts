import { expected, messageOf } from '../errors.ts';
import type { CanvasLike } from '../options/types.ts';
import type { DrawingSize } from './target.ts';

/*
 * The sizes that canvases may have. Beyond a browser's limit a canvas takes its size, stays empty,
 * and nothing reports it.
 */

/**
 * Sides that every browser draws. Chromium 156 draws 65,535 a side and 16,384² pixels in all,
 * Firefox 153 65,535 a side. Older versions had 32,767 a side; Safari has 4096² pixels on phones.
 */
const MAX_SAFE_SIDE = 4096;

/** The rule for the sizes of canvases in 2d. */
const DRAWABLE = 'a size that this browser draws';

const REMEDY = 'draw the rows of decodeRows on several canvases, or decode a smaller latent';

/**
 * Checks that a canvas of the picture's size keeps what is drawn on it: paints one pixel of a new
 * canvas of the same kind and reads it back.
 *
 * @param context  the target's
 * @throws TaesdError LIMIT
 */
export function checkDrawable(
  target: CanvasLike,
  context: CanvasRenderingContext2D,
  size: DrawingSize,
): void {
  const { width, height } = size;
  if (Math.max(width, height) <= MAX_SAFE_SIDE) return;
  const keeps = (one: DrawingSize) => keepsPixel(target, context, one);
  if (keeps(size)) return;
  // Protection against fingerprinting may hide the pixels of every canvas. Then nothing follows.
  if (!keeps({ width: 1, height: 1 })) return;
  const isSide = !keeps({ width, height: 1 }) || !keeps({ width: 1, height });
  const reason = `canvases with ${isSide ? 'such a side' : 'so many pixels'} stay empty here`;
  throw tooLarge(DRAWABLE, size, reason);
}

/** Makes the picture that a canvas in 2d takes, of these bytes. @throws TaesdError LIMIT */
export function imageOf(data: Uint8ClampedArray<ArrayBuffer>, size: DrawingSize): ImageData {
  try {
    return new ImageData(data, size.width, size.height);
  } catch (cause) {
    throw tooLarge(DRAWABLE, size, messageOf(cause), cause);
  }
}

/** Checks that a device paints textures of the picture's size. @throws TaesdError LIMIT */
export function checkPaintable({ limits }: GPUDevice, size: DrawingSize): void {
  const max = limits.maxTextureDimension2D;
  // Written so that a limit that is not known is none.
  if (!(Math.max(size.width, size.height) > max)) return;
  const reason = 'the limit of its device; a canvas in 2d may be larger';
  throw tooLarge(`at most ${max} pixels a side`, size, reason);
}

const tooLarge = (rule: string, { width, height }: DrawingSize, reason: string, cause?: unknown) =>
  expected('LIMIT', 'canvas', rule, `${width}×${height}`, { hint: `${reason}: ${REMEDY}`, cause });

/**
 * Returns true if a new canvas of this size keeps its last pixel. Chromium needs 4 bytes and 6 ns
 * for each pixel: 1 GB and 1.7 s for 16,384²; such a picture takes minutes to decode. Firefox
 * needs 1 ms.
 */
function keepsPixel(
  target: CanvasLike,
  context: CanvasRenderingContext2D,
  { width, height }: DrawingSize,
): boolean {
  let canvas: HTMLCanvasElement | OffscreenCanvas | undefined;
  try {
    canvas = newCanvas(target);
    // Before there is a context, as each new size of one takes memory.
    Object.assign(canvas, { width, height });
    const settings = context.getContextAttributes?.();
    const probe = canvas.getContext('2d', settings) as CanvasRenderingContext2D;
    probe.fillStyle = 'white';
    probe.fillRect(width - 1, height - 1, 1, 1);
    const [red, green, blue] = probe.getImageData(width - 1, height - 1, 1, 1).data;
    return red + green + blue > 0;
  } catch {
    // Firefox throws where Chromium returns zeros.
    return false;
  } finally {
    // Frees the memory now, and not when garbage is collected.
    if (canvas !== undefined) Object.assign(canvas, { width: 0, height: 0 });
  }
}

/** Makes a canvas of the target's kind. @throws ReferenceError (a runtime without canvases) */
function newCanvas(target: CanvasLike): HTMLCanvasElement | OffscreenCanvas {
  const page = (target as Partial<HTMLCanvasElement>).ownerDocument;
  return page ? page.createElement('canvas') : new OffscreenCanvas(1, 1);
}
