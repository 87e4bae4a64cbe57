import type { Picture } from 'taesd-wasm';
import { changeMap } from './differences.ts';

/** A square of the picture: the pixels that one place of the latent stands for. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  /** Its side in pixels: the model's downscale. */
  readonly size: number;
}

/**
 * Returns the largest difference of two pictures' bytes by ring of squares around one square. Ring
 * 0 is the square itself, ring 1 the eight squares around it, and so on up to the farthest edge.
 *
 * @param cell  its `x` and `y` count squares from the left and from the top
 * @throws RangeError if the pictures' sizes differ
 */
export function ringsAround(one: Picture, other: Picture, { x, y, size }: Cell): number[] {
  const { width, height, data } = changeMap(one, other);
  const away = (at: number, centre: number) => Math.abs(Math.floor(at / size) - centre);
  const columns = Array.from({ length: width }, (_, column) => away(column, x));
  const count = 1 + Math.max(away(0, x), away(width - 1, x), away(0, y), away(height - 1, y));
  const rings = new Array<number>(count).fill(0);
  for (let row = 0; row < height; row++) {
    const down = away(row, y);
    for (let column = 0; column < width; column++) {
      const ring = Math.max(columns[column], down);
      const change = data[row * width + column];
      if (change > rings[ring]) rings[ring] = change;
    }
  }
  return rings;
}

/**
 * Returns how far a change reaches: the distance in pixels from the square's edge beyond which
 * every difference is below `least`. 0 means that only the square itself changes so much, undefined
 * that nothing does.
 *
 * @param rings  as `ringsAround` gives them
 * @param least  the smallest difference that counts, from 1 to 255
 * @param size   the side of a square in pixels
 */
export function reach(rings: readonly number[], least: number, size: number): number | undefined {
  const last = rings.findLastIndex((change) => change >= least);
  return last < 0 ? undefined : last * size;
}
