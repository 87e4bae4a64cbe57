import type { Thumbnails } from '../engine/protocol.ts';
import { coloured } from './colour-map.ts';

/** The place of a thumbnail on the sheet, for style sheets: in percent of it. */
export type Place = Readonly<Record<'left' | 'top' | 'width' | 'height', string>>;

export interface Sheet {
  readonly picture: ImageData;
  readonly placeOf: (channel: number) => Place;
}

/** Small thumbnails are enlarged, pixel by pixel, to at least so many. */
const LEAST = 48;
/** Between them, as a part of their width. */
const GAP = 0.08;

/**
 * All thumbnails in one picture, row by row.
 *
 * @param brightest  gives the number that is brightest in a channel
 */
export function sheetOf(
  { width, height, data }: Thumbnails,
  brightest: (channel: number) => number,
  columns: number,
): Sheet {
  const area = width * height;
  const count = data.length / area;
  const factor = Math.max(1, Math.ceil(LEAST / Math.max(width, height)));
  const [across, down] = [width * factor, height * factor];
  const gap = Math.ceil(across * GAP);
  const rows = Math.ceil(count / columns);
  const [fullWidth, fullHeight] = [columns * (across + gap), rows * (down + gap)];
  const pixels = new Uint32Array(fullWidth * fullHeight);
  for (let channel = 0; channel < count; channel++) {
    const numbers = data.subarray(channel * area, (channel + 1) * area);
    const small = new Uint32Array(coloured(numbers, width, height, brightest(channel)).data.buffer);
    const left = (channel % columns) * (across + gap);
    const top = Math.floor(channel / columns) * (down + gap);
    for (let y = 0; y < height; y++) {
      const first = (top + y * factor) * fullWidth + left;
      const row = small.subarray(y * width, (y + 1) * width);
      if (factor === 1) pixels.set(row, first);
      else for (let x = 0; x < across; x++) pixels[first + x] = row[(x / factor) | 0];
      for (let n = 1; n < factor; n++) {
        pixels.copyWithin(first + n * fullWidth, first, first + across);
      }
    }
  }
  return {
    picture: new ImageData(new Uint8ClampedArray(pixels.buffer), fullWidth, fullHeight),
    placeOf: (channel) => ({
      left: `${(100 * (channel % columns) * (across + gap)) / fullWidth}%`,
      top: `${(100 * Math.floor(channel / columns) * (down + gap)) / fullHeight}%`,
      width: `${(100 * across) / fullWidth}%`,
      height: `${(100 * down) / fullHeight}%`,
    }),
  };
}
