import { useComputed } from '@preact/signals';
import { VARIANTS } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { difference, psnr } from '../state/compare.ts';
import { editedFrame, isQuantised, quantisedFrame } from '../state/latent.ts';
import { trip } from '../state/trip.ts';
import { decibels } from '../text/numbers.ts';

/** So strong that one step of a byte can be seen. */
const STRENGTH = 32;

/** 8-bit latents on and off, and what that changes. */
export function Quantisation() {
  const pair = useComputed(() => {
    const [plain, bytes] = [editedFrame.value?.picture, quantisedFrame.value?.picture];
    if (plain === undefined || bytes === undefined) return undefined;
    if (plain.width !== bytes.width || plain.height !== bytes.height) return undefined;
    return { off: difference(plain, bytes, STRENGTH), quality: psnr(plain, bytes) };
  });
  const { downscale } = VARIANTS[trip.value?.model.model ?? 'nano'];
  return (
    <>
      <div>
        <label class="check">
          <input
            type="checkbox"
            checked={isQuantised.value}
            onChange={({ currentTarget }) => {
              isQuantised.value = currentTarget.checked;
            }}
          />
          Quantise to 8 bits
        </label>
        <p class="hint">
          Each number becomes one of 256 between −3 and 3, 0.0235 apart: the latent is a small
          picture then, a byte a channel for {downscale ** 2} pixels. What lies beyond ±3 is cut
          off.
        </p>
      </div>
      {isQuantised.value && pair.value !== undefined && (
        <figure>
          <Canvas
            class="picture"
            picture={pair.value.off}
            role="img"
            aria-label={`What quantisation changes in the decoded picture, times ${STRENGTH}`}
          />
          <figcaption data-testid="quantised">
            <b>What that changes</b>, × {STRENGTH}: {decibels(pair.value.quality)}
          </figcaption>
        </figure>
      )}
    </>
  );
}
