import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Area, Picture } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { useExplorer } from '../explorer.ts';
import type { At } from '../stores/at.ts';
import { figure } from '../text/measured.ts';
import { placeOf, type Size } from './frame.ts';
import { ARROWS, onMap, placeUnder } from './place.ts';

interface LatentMapProps {
  readonly part: string;
  /** Shown: the picture, a channel, or the decoded picture. */
  readonly picture: Picture | ImageData | undefined;
  /** Its size in places of the latent; not whole where the latent reaches past the picture. */
  readonly size: Size;
  /** For screen readers. */
  readonly label: string;
  /** The channel that is changed here; undefined on the picture, where areas are chosen alone. */
  readonly channel: number | undefined;
  /** True if `picture` is that channel: its number is shown. */
  readonly isChannel?: boolean;
  readonly children?: ComponentChildren;
}

/**
 * A map whose places are those of the latent. A mouse or a pen looks by moving, and changes by
 * pressing. A finger looks by a tap, so that a swipe scrolls, and changes when that is switched on.
 * Arrow keys move, Space changes, Enter frames.
 */
export function LatentMap(props: LatentMapProps) {
  const { part, picture, size, label, channel, isChannel = false, children } = props;
  const { bottleneck } = useExplorer();
  const { at, area, tool, isTouchOn } = bottleneck;
  const number = useComputed(() => {
    const [place, latents] = [at.value, bottleneck.shown.value];
    if (place === undefined || latents === undefined || !isChannel) return '';
    const [, , height, width] = latents.shape;
    return figure(latents.data[((channel ?? 0) * height + place.y) * width + place.x]);
  });
  const spoken = useComputed(() => {
    const place = at.value;
    const where = place === undefined ? '' : `. Column ${place.x}, row ${place.y}`;
    const value = number.value === '' ? '' : `: ${number.value}`;
    return `${label}${where}${value}. ${keysOf(channel)}`;
  });
  const hand = useRef<{ from: At; last: At; isDrag: boolean } | undefined>(undefined);
  const isTap = useRef(false);
  if (picture === undefined) {
    return (
      <figure class="map latent-map" data-part={part}>
        <div class="map-box empty" />
        <figcaption>{children}</figcaption>
      </figure>
    );
  }
  const whole = { height: Math.ceil(size.height), width: Math.ceil(size.width) };
  const isOff = (event: PointerEvent) => event.pointerType === 'touch' && !isTouchOn.peek();
  const frameAround = (place: At) => {
    const { width, height } = area.peek();
    const { y, x } = bottleneck.stampAt(place);
    const last = { height: whole.height - height + 1, width: whole.width - width + 1 };
    area.value = { ...onMap({ y, x }, last), width, height };
  };
  const press = (place: At) => {
    if (channel !== undefined) bottleneck.choose(channel);
    hand.current = { from: place, last: place, isDrag: false };
    bottleneck.settle();
    if (tool.peek() === 'paint' && channel !== undefined) {
      bottleneck.paint(channel, place, place);
    }
  };
  const drag = (place: At) => {
    const now = hand.current;
    if (now === undefined || (place.y === now.last.y && place.x === now.last.x)) return;
    if (tool.peek() === 'paint' && channel !== undefined) {
      bottleneck.paint(channel, now.last, place);
    }
    if (tool.peek() === 'stamp') area.value = between(now.from, place);
    hand.current = { ...now, last: place, isDrag: true };
  };
  const lift = (place: At) => {
    const isClick = hand.current?.isDrag === false;
    hand.current = undefined;
    if (!isClick || tool.peek() !== 'stamp') return;
    if (channel === undefined) frameAround(place);
    else bottleneck.stamp(place);
  };
  return (
    <figure
      class="map latent-map"
      data-part={part}
      data-channel={isChannel ? channel : undefined}
      style={{ '--aspect': `${picture.width / picture.height}` }}
    >
      <div class="map-box">
        <Canvas
          class={isTouchOn.value ? 'map-canvas pickable by-touch' : 'map-canvas pickable'}
          picture={picture as ImageData}
          tabIndex={0}
          role="application"
          aria-roledescription="map"
          aria-label={spoken}
          onPointerDown={(event) => {
            isTap.current = isOff(event);
            if (isTap.current || event.button !== 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            press(placeUnder(event, whole, size));
          }}
          onPointerMove={(event) => {
            if (isOff(event)) return;
            const place = placeUnder(event, whole, size);
            at.value = place;
            if (event.buttons & 1) drag(place);
          }}
          onPointerUp={(event) => {
            if (!isOff(event) && hand.current !== undefined) lift(placeUnder(event, whole, size));
          }}
          onPointerCancel={() => {
            hand.current = undefined;
          }}
          onClick={(event) => {
            // Pointers that change have done so; this is a finger's tap.
            if (!isTap.current) return;
            const place = placeUnder(event, whole, size);
            at.value = place;
            if (channel === undefined) frameAround(place);
            else bottleneck.choose(channel);
          }}
          onKeyDown={(event) => {
            const now = at.peek() ?? { y: whole.height >> 1, x: whole.width >> 1 };
            const move = ARROWS[event.key];
            if (move !== undefined) {
              const steps = event.shiftKey ? 8 : 1;
              at.value = onMap({ y: now.y + steps * move.y, x: now.x + steps * move.x }, whole);
            } else if (event.key === ' ') {
              at.value = now;
              press(now);
              lift(now);
            } else if (event.key === 'Enter') {
              frameAround(now);
            } else {
              return;
            }
            event.preventDefault();
          }}
        />
        <Frames size={size} canChange={channel !== undefined} />
        {isChannel && (
          <span class="value" aria-hidden="true">
            {number}
          </span>
        )}
      </div>
      <figcaption>{children}</figcaption>
    </figure>
  );
}

const keysOf = (channel: number | undefined): string =>
  channel === undefined
    ? 'Arrow keys move; Space or Enter frames what is stamped.'
    : 'Arrow keys move; Space changes; Enter frames what is stamped.';

/** The place that is looked at, what would be changed there, and what is stamped. */
function Frames({ size, canChange }: { size: Size; canChange: boolean }) {
  const { bottleneck } = useExplorer();
  const { at, area, tool, brush } = bottleneck;
  const place = at.value;
  const isStamp = tool.value === 'stamp';
  let target: Area | undefined = place && { ...place, width: 1, height: 1 };
  if (place !== undefined && canChange && isStamp) {
    target = { ...area.value, ...bottleneck.stampAt(place) };
  } else if (place !== undefined && canChange && tool.value === 'paint') {
    const side = 2 * brush.value.radius - 1;
    const first = { y: place.y - (side >> 1), x: place.x - (side >> 1) };
    target = { ...first, width: side, height: side };
  }
  return (
    <>
      {isStamp && <span class="frame source" style={placeOf(area.value, size)} />}
      {target !== undefined && (
        <span
          class={tool.value === 'paint' && canChange ? 'frame round' : 'frame'}
          style={placeOf(target, size)}
        />
      )}
    </>
  );
}

/** The area with two places in opposite corners. */
const between = (one: At, other: At): Area => ({
  x: Math.min(one.x, other.x),
  y: Math.min(one.y, other.y),
  width: Math.abs(one.x - other.x) + 1,
  height: Math.abs(one.y - other.y) + 1,
});
