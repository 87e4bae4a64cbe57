import type { ComponentChildren } from 'preact';
import type { Area, Picture } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import type { At } from '../stores/at.ts';
import { placeOf, type Size } from './frame.ts';
import { placeUnder } from './place.ts';

/** A picture with frames on it. */
export function Framed(props: {
  readonly part: string;
  readonly picture: Picture | ImageData | undefined;
  readonly label: string;
  readonly size: Size | undefined;
  readonly frames: readonly { readonly area: Area | undefined; readonly kind: string }[];
  /** The column of a cut. */
  readonly seam?: number | undefined;
  readonly onPick?: (at: At) => void;
  readonly children: ComponentChildren;
}) {
  const { part, picture, label, size, frames, seam, onPick, children } = props;
  if (picture === undefined || size === undefined) {
    return (
      <figure class="map" data-part={part}>
        <div class="map-box empty" />
        <figcaption>{children}</figcaption>
      </figure>
    );
  }
  return (
    <figure class="map" data-part={part} style={{ '--aspect': `${size.width / size.height}` }}>
      <div class="map-box">
        <Canvas
          class={onPick === undefined ? 'map-canvas' : 'map-canvas pickable'}
          picture={picture as ImageData}
          role="img"
          aria-label={label}
          onPointerMove={(event) => {
            if (event.pointerType !== 'touch') onPick?.(placeUnder(event, size));
          }}
          onClick={(event) => onPick?.(placeUnder(event, size))}
        />
        {frames.map(
          ({ area, kind }) =>
            area !== undefined &&
            area.width > 0 && (
              <span key={kind} class={`frame ${kind}`} style={placeOf(area, size)} />
            ),
        )}
        {seam !== undefined && (
          <span class="seam-line" style={{ left: `${(100 * seam) / size.width}%` }} />
        )}
      </div>
      <figcaption>{children}</figcaption>
    </figure>
  );
}
