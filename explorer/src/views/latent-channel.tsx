import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import type { Tensor } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { greyChannel } from '../drawing/grey.ts';
import { paint, setShift, shifts } from '../state/latent.ts';
import { Slider } from './slider.tsx';

const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** One channel: painted on with the pointer, or with arrow keys and the space bar; moved by a slider. */
export function LatentChannel({ channel, latents }: { channel: number; latents: Tensor }) {
  const [, , height, width] = latents.shape;
  const picture = useMemo(() => greyChannel(latents, channel), [latents, channel]);
  const cursor = useSignal<{ y: number; x: number } | undefined>(undefined);
  const last = useRef<{ y: number; x: number } | undefined>(undefined);
  const placeOf = (event: PointerEvent & { currentTarget: HTMLCanvasElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const inside = (part: number, size: number) =>
      Math.min(Math.max(Math.floor(part * size), 0), size - 1);
    return {
      y: inside((event.clientY - box.top) / box.height, height),
      x: inside((event.clientX - box.left) / box.width, width),
    };
  };
  /** From where the pointer was to where it is: fast strokes have no gaps. */
  const stroke = (to: { y: number; x: number }) => {
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
            stroke(placeOf(event));
          }}
          onPointerMove={(event) => {
            if (event.buttons & 1) stroke(placeOf(event));
          }}
          onKeyDown={(event) => {
            const from = at ?? { y: height >> 1, x: width >> 1 };
            const move = KEYS[event.key];
            if (move === undefined && event.key !== ' ') return;
            event.preventDefault();
            if (move === undefined) {
              cursor.value = from;
              paint(channel, from.y, from.x);
              return;
            }
            cursor.value = {
              y: Math.min(Math.max(from.y + move[0], 0), height - 1),
              x: Math.min(Math.max(from.x + move[1], 0), width - 1),
            };
          }}
          onBlur={() => {
            cursor.value = undefined;
          }}
        />
        {at !== undefined && (
          <span
            class="cursor"
            style={{
              left: `${(100 * at.x) / width}%`,
              top: `${(100 * at.y) / height}%`,
              width: `${100 / width}%`,
              height: `${100 / height}%`,
            }}
          />
        )}
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
