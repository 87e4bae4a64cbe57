import type { Area } from 'taesd-wasm';

/** A map's size in its own pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Returns the place of an area of a map on its picture, for style sheets. */
export const placeOf = ({ x, y, width, height }: Area, size: Size) => ({
  left: `${(100 * x) / size.width}%`,
  top: `${(100 * y) / size.height}%`,
  width: `${(100 * width) / size.width}%`,
  height: `${(100 * height) / size.height}%`,
});

/** The 3×3 window around a place, cut at the map's edges. */
export function windowAround(at: { y: number; x: number }, size: Size, radius = 1): Area {
  const [left, top] = [Math.max(0, at.x - radius), Math.max(0, at.y - radius)];
  return {
    x: left,
    y: top,
    width: Math.min(at.x + radius + 1, size.width) - left,
    height: Math.min(at.y + radius + 1, size.height) - top,
  };
}
