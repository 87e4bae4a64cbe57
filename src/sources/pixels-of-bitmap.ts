import { allocateClamped, outOfMemory } from '../allocate.ts';
import type { Pacer } from '../backend/pacer.ts';
import { isRangeError } from '../builtins/tags.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import type { ImageLike } from '../options/types.ts';
import { isTainted, tainted } from './kinds.ts';

/**
 * The sides of the canvas, at most: 16 MB. Browsers have bitmaps that are wider than their
 * canvases, so pictures are read tile by tile.
 */
const MAX_SIDE = 2048;

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

/**
 * Reads the pixels of a bitmap in sRGB, through a canvas.
 *
 * @throws TaesdError ARG (the browser does not let the page read them), UNSUPPORTED (there is no
 *   canvas, or one that returns noise), LIMIT (the browser cannot draw it), OOM, ABORTED
 */
export async function pixelsOfBitmap(bitmap: ImageBitmap, pacer: Pacer): Promise<ImageLike> {
  const { width, height } = bitmap;
  const data = allocateClamped('picture', 4 * width * height);
  const context = newContext(Math.min(width, MAX_SIDE), Math.min(height, MAX_SIDE));
  try {
    checkHonest(context);
    // Replaces what the canvas shows, and copies alpha.
    context.globalCompositeOperation = 'copy';
    context.imageSmoothingEnabled = false;
    for (let y = 0; y < height; y += MAX_SIDE) {
      for (let x = 0; x < width; x += MAX_SIDE) {
        context.drawImage(bitmap, -x, -y);
        const [columns, rows] = [Math.min(MAX_SIDE, width - x), Math.min(MAX_SIDE, height - y)];
        const tile = context.getImageData(0, 0, columns, rows);
        for (let row = 0; row < rows; row++) {
          const pixels = tile.data.subarray(4 * columns * row, 4 * columns * (row + 1));
          data.set(pixels, 4 * (width * (y + row) + x));
        }
        if (pacer.due) await pacer.turn();
      }
    }
  } catch (error) {
    throw unreadable(error, bitmap);
  }
  return { width, height, data };
}

/** @throws TaesdError UNSUPPORTED */
function newContext(width: number, height: number): Context {
  const settings = { colorSpace: 'srgb', willReadFrequently: true } as const;
  const context = newCanvas(width, height)?.getContext('2d', settings) as Context | null;
  if (context) return context;
  const hint = 'decodePicture of taesd-wasm/picture reads PNG, JPEG and WebP without one';
  throw expected('UNSUPPORTED', 'image', 'a canvas to read its pixels', 'none', { hint });
}

/** Older browsers have canvases only on pages. */
function newCanvas(width: number, height: number) {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  if (typeof document === 'undefined') return undefined;
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** A colour that noise does not have by chance. */
const PROBE = [64, 128, 192, 255];

/**
 * Checks that the canvas returns what is painted on it. Browsers that resist fingerprinting return
 * noise.
 *
 * @throws TaesdError UNSUPPORTED
 */
function checkHonest(context: Context): void {
  context.fillStyle = `rgb(${PROBE.slice(0, 3)})`;
  context.fillRect(0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  if (PROBE.every((value, i) => value === data[i])) return;
  const hint =
    'protection against fingerprinting: allow this site to read canvases, or use decodePicture of taesd-wasm/picture';
  throw expected('UNSUPPORTED', 'image', 'a canvas that gives back its pixels', 'noise', { hint });
}

function unreadable(error: unknown, { width, height }: ImageBitmap): TaesdError {
  if (error instanceof TaesdError) return error;
  if (isRangeError(error)) return outOfMemory('image', `${width}×${height} pixels`, error);
  if (isTainted(error)) return tainted(error);
  const got = `${width}×${height}: ${messageOf(error)}`;
  return expected('LIMIT', 'image', 'a picture that this browser draws', got, { cause: error });
}
