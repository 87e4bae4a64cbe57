import type { Area, Picture } from 'taesd-wasm';
import { blockMeans } from './follows.ts';

/**
 * Returns the brightest square of a picture, in places of its latent.
 *
 * @param cell  pixels that a place stands for, in width and height
 * @param side  the square’s side, in places; it is cut to the latent's size
 */
export function brightestSquare(picture: Picture, cell: number, side: number): Area {
  const { width, height, data } = blockMeans(picture, cell);
  const area = width * height;
  const luma = (at: number) =>
    0.299 * data[at] + 0.587 * data[area + at] + 0.114 * data[2 * area + at];
  const [across, down] = [Math.min(side, width), Math.min(side, height)];
  let best = { x: 0, y: 0, sum: -Infinity };
  for (let y = 0; y + down <= height; y++) {
    for (let x = 0; x + across <= width; x++) {
      let sum = 0;
      for (let row = y; row < y + down; row++) {
        for (let column = x; column < x + across; column++) sum += luma(row * width + column);
      }
      if (sum > best.sum) best = { x, y, sum };
    }
  }
  return { x: best.x, y: best.y, width: across, height: down };
}
