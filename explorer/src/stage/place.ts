import type { At } from '../stores/at.ts';
import type { Size } from './frame.ts';

/*
 * Choosing a place on a map: by arrow keys, and with the pointer.
 */

/** By how much a key moves the place. */
export const ARROWS: Readonly<Record<string, At>> = {
  ArrowUp: { y: -1, x: 0 },
  ArrowDown: { y: 1, x: 0 },
  ArrowLeft: { y: 0, x: -1 },
  ArrowRight: { y: 0, x: 1 },
};

/** The place, or the nearest on the map where it lies outside. */
export const onMap = ({ y, x }: At, { height, width }: Size): At => ({
  y: Math.min(Math.max(y, 0), height - 1),
  x: Math.min(Math.max(x, 0), width - 1),
});

/**
 * Returns the place under the pointer, however large the map is drawn.
 *
 * @param drawn  the size that is drawn, if the map reaches past it. Defaults to `size`
 */
export function placeUnder(
  event: MouseEvent & { currentTarget: HTMLCanvasElement },
  size: Size,
  drawn: Size = size,
): At {
  const box = event.currentTarget.getBoundingClientRect();
  const y = Math.floor(((event.clientY - box.top) / box.height) * drawn.height);
  const x = Math.floor(((event.clientX - box.left) / box.width) * drawn.width);
  return onMap({ y, x }, size);
}
