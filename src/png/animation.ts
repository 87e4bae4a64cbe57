import { checkInside, checksumHolds, dataOf, looseChunkAt } from './chunks.ts';
import { readUint32 } from './layout.ts';

/** A size in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of the picture. */
export interface Place extends Size {
  readonly x: number;
  readonly y: number;
}

/** Chunks of one type, which may lie apart, and the bytes of their data. */
export interface Run {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

/** The bytes of fdAT before its data: a sequence number. */
export const SEQUENCE_BYTES = 4;

/** Returns true if the data of acTL keep its rules. */
export const isAnimation = (data: Uint8Array): boolean =>
  data.length === 8 && data[0] < 128 && data[4] < 128 && readUint32(data, 0) > 0;

/**
 * Finds the first frame of an animation whose still picture is no frame. Browsers show this frame.
 * If a rule is broken up to its end, the standard has the still picture shown. Browsers show none.
 * Source: https://www.w3.org/TR/png-3/#apng-frame-based-animation
 *
 * @param from  the offset of the first chunk after the pixels
 * @param size  the picture's
 * @returns the frame, or the rule that is broken
 * @throws TaesdError TRUNCATED (the frame's data are cut off)
 */
export function findFirstFrame(
  bytes: Uint8Array,
  from: number,
  size: Size,
): { readonly place: Place; readonly run: Run } | string {
  let place: Place | undefined;
  let run: Run | undefined;
  let sequence = 0;
  for (let at = from; at + 8 <= bytes.length; ) {
    const chunk = looseChunkAt(bytes, at);
    const { type, name, start, end } = chunk;
    if (place && type === 'fdAT') checkInside(chunk, bytes.length);
    if (end > bytes.length || type === 'IEND') break;
    at = end;
    const isControl = type === 'fcTL';
    // Browsers show frames whose fdAT has a wrong CRC. The Adler-32 still covers the pixels.
    if (isControl ? !checksumHolds(bytes, chunk) : type !== 'fdAT') continue;
    if (isControl && run) break;
    if (isControl === (place !== undefined)) return `${name} comes too early`;
    const data = dataOf(bytes, chunk);
    if (data.length < SEQUENCE_BYTES || readUint32(data, 0) !== sequence) {
      return `${name} is not number ${sequence}`;
    }
    sequence++;
    if (isControl) {
      place = readControl(data, size);
      if (place === undefined) return `${name} breaks a rule`;
    } else {
      run = {
        start: run?.start ?? start,
        end,
        bytes: (run?.bytes ?? 0) + data.length - SEQUENCE_BYTES,
      };
    }
  }
  return place && run ? { place, run } : 'fcTL or fdAT is missing';
}

/** Reads fcTL: a place in the picture, and operations that do nothing to a first frame. */
function readControl(data: Uint8Array, size: Size): Place | undefined {
  if (data.length !== 26 || data[24] > 2 || data[25] > 1) return undefined;
  const [width, height, x, y] = [4, 8, 12, 16].map((at) => readUint32(data, at));
  const isInside = x + width <= size.width && y + height <= size.height;
  return isInside && width > 0 && height > 0 ? { x, y, width, height } : undefined;
}
