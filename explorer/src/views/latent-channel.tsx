import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import type { Tensor } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { greyChannel } from '../drawing/grey.ts';
import { paint, setShift, shifts } from '../state/latent.ts';
import { ARROWS, MapCursor, onMap, type Place, placeUnder } from './map-cursor.tsx';
import { Slider } from './slider.tsx';

/** One channel: painted on with the pointer, or with arrow keys and the space bar; moved by a slider. */
export function LatentChannel({ channel, latents }: { channel: number; latents: Tensor }) {
  const [, , height, width] = latents.shape;
  const picture = useMemo(() => greyChannel(latents, channel), [latents, channel]);
  const size = { height, width };
  const cursor = useSignal<Place | undefined>(undefined);
  const last = useRef<Place | undefined>(undefined);
  /** From where the pointer was to where it is: fast strokes have no gaps. */
  const stroke = (to: Place) => {
    const from = last.current ?? to;
    const steps = Math.max(Math.abs(to.y - from.y), Math.abs(to.x - from.x), 1);
    for (let n = 1; n <= steps; n++) {
      const along = (a: number, b: number) => Math.round(a + ((b - a) * n) / steps);
      paint(channel, along(from.y, to.y), along(from.x, to.x));
    }
    last.current = to;
  };
  const shift = shifts.value[channel] ?? 0;
  const at = cursor.value;
  return (
    <div class="latent-channel">
      <div class="framed">
        <Canvas
          class="picture pixelated paintable"
          picture={picture}
          tabIndex={0}
          role="application"
          aria-roledescription="latent channel"
          aria-label={`Latent channel ${channel}. Arrow keys move the brush${at === undefined ? '' : `, now at x ${at.x}, y ${at.y}`}; the space bar paints.`}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            last.current = undefined;
            stroke(placeUnder(event, size));
          }}
          onPointerMove={(event) => {
            if (event.buttons & 1) stroke(placeUnder(event, size));
          }}
          onKeyDown={(event) => {
            const from = at ?? { y: height >> 1, x: width >> 1 };
            const move = ARROWS[event.key];
            if (move === undefined && event.key !== ' ') return;
            event.preventDefault();
            if (move === undefined) {
              cursor.value = from;
              paint(channel, from.y, from.x);
              return;
            }
            cursor.value = onMap({ y: from.y + move.y, x: from.x + move.x }, size);
          }}
          onBlur={() => {
            cursor.value = undefined;
          }}
        />
        {at !== undefined && <MapCursor at={at} size={size} />}
      </div>
      <Slider
        label={`Channel ${channel}`}
        value={shift}
        least={-3}
        most={3}
        step={0.1}
        text={`${shift < 0 ? '−' : '+'} ${Math.abs(shift).toFixed(1)}`}
        onValue={(value) => setShift(channel, value)}
      />
    </div>
  );
}
