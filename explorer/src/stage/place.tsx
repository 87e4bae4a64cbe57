/*
 * Choosing a place on a map: by arrow keys, with the pointer, and the frame that shows which it is.
 */

/** A place on a map, in its own pixels. */
export interface Place {
  readonly y: number;
  readonly x: number;
}

/** A map's size in its own pixels. */
interface Size {
  readonly height: number;
  readonly width: number;
}

/** By how much a key moves the place. */
export const ARROWS: Readonly<Record<string, Place>> = {
  ArrowUp: { y: -1, x: 0 },
  ArrowDown: { y: 1, x: 0 },
  ArrowLeft: { y: 0, x: -1 },
  ArrowRight: { y: 0, x: 1 },
};

/** The place, or the nearest on the map where it lies outside. */
export const onMap = ({ y, x }: Place, { height, width }: Size): Place => ({
  y: Math.min(Math.max(y, 0), height - 1),
  x: Math.min(Math.max(x, 0), width - 1),
});

/**
 * Where the pointer is, however large the map is drawn.
 *
 * @param drawn  the size that is drawn, if the map reaches past it. Defaults to `size`
 */
export function placeUnder(
  event: MouseEvent & { currentTarget: HTMLCanvasElement },
  size: Size,
  drawn: Size = size,
): Place {
  const box = event.currentTarget.getBoundingClientRect();
  const y = Math.floor(((event.clientY - box.top) / box.height) * drawn.height);
  const x = Math.floor(((event.clientX - box.left) / box.width) * drawn.width);
  return onMap({ y, x }, size);
}

/** A frame around the place, over the map. */
export function MapCursor({ at, size: { height, width } }: { at: Place; size: Size }) {
  return (
    <span
      class="cursor"
      style={{
        left: `${(100 * at.x) / width}%`,
        top: `${(100 * at.y) / height}%`,
        width: `${100 / width}%`,
        height: `${100 / height}%`,
      }}
    />
  );
}
