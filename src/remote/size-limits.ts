import { startsWith } from '../first-bytes.ts';
import type { HttpProblem } from './problem.ts';
import { tooLarge } from './problem.ts';
import type { RemoteLimits } from './types.ts';

/** @throws HttpProblem LIMIT (a picture that is too wide; too many pixels or pictures in all) */
export function checkPictures(
  { width, height, batch = 1 }: { width: number; height: number; batch?: number },
  limits: RemoteLimits,
): void {
  if (batch > limits.batch) throw tooLarge('batch', `at most ${limits.batch}`, `${batch}`);
  if (width <= limits.width && batch * width * height <= limits.pixels) return;
  throw tooManyPixels(`${batch > 1 ? `${batch} of ` : ''}${width}×${height}`, limits);
}

export const tooManyPixels = (got: string, { width, pixels }: RemoteLimits): HttpProblem =>
  tooLarge('picture', `at most ${width} pixels of width and ${pixels} in all`, got);

export const bodyTooLarge =
  (maxBytes: number) =>
  (got: string): HttpProblem =>
    tooLarge('body', `at most ${maxBytes} bytes`, got);

/** The offset of width and height: behind the signature, and the length and name of IHDR. */
const PNG_SIZE_AT = 16;

/**
 * Returns the size in the header of a PNG file, so that it is known before anything is inflated: a
 * small file may claim to be a large picture. Undefined for other files, whose fault the reader
 * reports.
 */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (!startsWith(bytes, '\x89PNG') || bytes.length < PNG_SIZE_AT + 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + PNG_SIZE_AT);
  return { width: view.getUint32(0), height: view.getUint32(4) };
}
