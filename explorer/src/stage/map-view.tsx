import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Area, Picture } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import type { At } from '../stores/at.ts';
import { placeOf, type Size } from './frame.ts';
import { ARROWS, onMap, placeUnder } from './place.ts';

interface MapViewProps {
  /** `input` or `output`: words of the text light it up, and tests find it. */
  readonly part: string;
  readonly picture: Picture | ImageData | undefined;
  /**
   * The map's size, if it is not the picture's: the picture of a layer may be larger than its map.
   */
  readonly size?: Size | undefined;
  /** Its name for screen readers. The value at the place is part of it. */
  readonly label: string;
  /** The pixel that is looked at. */
  readonly at?: At | undefined;
  /** A pixel that is lit: the one of the product that is pointed at. */
  readonly spot?: At | undefined;
  /** An area that a word of the text lights up, and the part that it is. */
  readonly mark?: { readonly part: string; readonly area: Area } | undefined;
  /** The area that is framed: the window on an input, the pixel of an output. */
  readonly area?: Area | undefined;
  /** The first so many pixels are drawn, row by row; all if undefined. */
  readonly filled?: number | undefined;
  /**
   * Called with the pixel under the pointer, the one that was tapped, or the one that arrow keys
   * reach.
   */
  readonly onPick?: ((at: At) => void) | undefined;
  /** Below the map. */
  readonly children?: ComponentChildren;
}

/** Pixels on each side of the one in the loupe’s middle. */
const LOUPE_REACH = 5;

/**
 * A map with what is framed on it. A mouse picks by moving. A finger picks by a tap, so that a
 * swipe scrolls; arrow keys move by one pixel, with Shift by eight.
 */
export function MapView(props: MapViewProps) {
  const { part, picture, label, at, spot, mark, area, filled, onPick, children } = props;
  if (picture === undefined) {
    return (
      <figure class="map" data-part={part}>
        <div class="map-box empty" />
      </figure>
    );
  }
  const size = props.size ?? picture;
  const shown = filled === undefined ? picture : firstPixels(picture, filled);
  const pick = (place: At) => onPick?.(onMap(place, size));
  const isPickable = onPick !== undefined;
  return (
    <figure
      class="map"
      data-part={part}
      style={{ '--aspect': `${picture.width / picture.height}` }}
    >
      <div class="map-box">
        <Canvas
          class={isPickable ? 'map-canvas pickable' : 'map-canvas'}
          picture={shown as ImageData}
          {...(isPickable
            ? { tabIndex: 0, role: 'application', 'aria-roledescription': 'map' }
            : { role: 'img' })}
          aria-label={isPickable ? `${label}. Arrow keys choose a pixel.` : label}
          onPointerMove={(event) => {
            if (event.pointerType !== 'touch') pick(placeUnder(event, size));
          }}
          onClick={(event) => pick(placeUnder(event, size))}
          onKeyDown={(event) => {
            const move = ARROWS[event.key];
            if (move === undefined || !isPickable) return;
            event.preventDefault();
            const steps = event.shiftKey ? 8 : 1;
            const from = at ?? { y: size.height >> 1, x: size.width >> 1 };
            pick({ y: from.y + steps * move.y, x: from.x + steps * move.x });
          }}
        />
        {mark !== undefined && (
          <span class="mark" data-part={mark.part} style={placeOf(mark.area, size)} />
        )}
        {area !== undefined && <span class="frame" style={placeOf(area, size)} />}
        {spot !== undefined && (
          <span class="frame spot" style={placeOf({ ...spot, width: 1, height: 1 }, size)} />
        )}
        {at !== undefined && size === picture && size.width > 64 && (
          <Loupe picture={shown as ImageData} at={at} area={area} />
        )}
      </div>
      <figcaption>{children}</figcaption>
    </figure>
  );
}

/** The pixels around the one that is looked at, enlarged, in the corner that is farther away. */
function Loupe({ picture, at, area }: { picture: ImageData; at: At; area: Area | undefined }) {
  const side = 2 * LOUPE_REACH + 1;
  const around = useMemo(() => {
    const from = new Uint32Array(picture.data.buffer, picture.data.byteOffset);
    const pixels = new Uint32Array(side * side);
    for (let row = 0; row < side; row++) {
      const y = at.y + row - LOUPE_REACH;
      if (y < 0 || y >= picture.height) continue;
      for (let column = 0; column < side; column++) {
        const x = at.x + column - LOUPE_REACH;
        if (x >= 0 && x < picture.width) pixels[row * side + column] = from[y * picture.width + x];
      }
    }
    return new ImageData(new Uint8ClampedArray(pixels.buffer), side, side);
  }, [picture, at.y, at.x]);
  const corner = `${at.y * 2 < picture.height ? 'low' : 'high'} ${at.x * 2 < picture.width ? 'right' : 'left'}`;
  const frame = area && { ...area, x: area.x - at.x + LOUPE_REACH, y: area.y - at.y + LOUPE_REACH };
  return (
    <span class={`loupe ${corner}`} aria-hidden="true">
      <Canvas picture={around} />
      {frame !== undefined && (
        <span class="frame" style={placeOf(frame, { width: side, height: side })} />
      )}
    </span>
  );
}

/** A picture whose last pixels are not there yet. */
function firstPixels({ width, height, data }: Picture | ImageData, count: number): ImageData {
  const part = new Uint8ClampedArray(data.length);
  part.set(data.subarray(0, 4 * count));
  return new ImageData(part, width, height);
}
