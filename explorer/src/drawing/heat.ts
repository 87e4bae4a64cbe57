import type { Planes } from '../measure/convolution.ts';
import { cellColour, coloured } from './colour-map.ts';

/** The largest difference of two bytes. */
const LARGEST = 255;
const shade = (change: number): number => Math.log1p(change) / Math.log1p(LARGEST);

/** A map of differences of bytes, 0 to 255, as a picture. A difference of 1 can be told from 0. */
export function heatOf({ data, width, height }: Planes): ImageData {
  const shades = Float32Array.from({ length: LARGEST + 1 }, (_, change) => shade(change));
  const values = data.map((change) => shades[change]);
  return coloured(values, width, height, 1);
}

/** The colour that a difference has there. */
export const heatColour = (change: number) => cellColour(shade(change), 1);
