import { useComputed } from '@preact/signals';
import { type Tensor, VARIANTS } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { psnr } from '../state/compare.ts';
import {
  brush,
  edited,
  editedFrame,
  isQuantised,
  quantised,
  reset,
  shownPicture,
} from '../state/latent.ts';
import { trip } from '../state/trip.ts';
import { decibels, milliseconds } from '../text/numbers.ts';
import { LatentChannel } from './latent-channel.tsx';
import { LatentPicture } from './latent-picture.tsx';
import { Quantisation } from './quantisation.tsx';
import { Slider } from './slider.tsx';

/** The latent, to be painted on, and what the decoder makes of it. */
export function LatentEditor() {
  const latents = edited.value;
  const { downscale } = VARIANTS[trip.value?.model.model ?? 'nano'];
  return (
    <section id="latent" aria-labelledby="latent-title">
      <h2 id="latent-title">The latent</h2>
      <p class="intro">
        No channel is red, green or blue: together they say what each {downscale}×{downscale} square
        of pixels looks like.
        {latents?.shape[1] === 4 &&
          ' The first is roughly brightness, the others lean towards colours.'}{' '}
        Paint on them, or move a whole channel, and watch what the decoder makes of it.
      </p>
      {latents === undefined ? (
        <p class="waiting">The latent is on its way.</p>
      ) : (
        <div class="editor">
          <div class="edit">
            <Tools />
            <div class={latents.shape[1] > 4 ? 'latent-channels many' : 'latent-channels'}>
              {Array.from({ length: latents.shape[1] }, (_, channel) => (
                <LatentChannel key={channel} channel={channel} latents={latents} />
              ))}
            </div>
          </div>
          <div class="live-place">
            <Decoded />
          </div>
          <EightBits latents={latents} />
        </div>
      )}
    </section>
  );
}

function Tools() {
  const { value, radius } = brush.value;
  return (
    <div class="row tools">
      <Slider
        label="Brush value"
        value={value}
        least={-3}
        most={3}
        step={0.25}
        text={value.toFixed(2)}
        onValue={(next) => {
          brush.value = { value: next, radius };
        }}
      />
      <Slider
        label="Brush size"
        value={radius}
        least={1}
        most={6}
        step={1}
        text={`${2 * radius - 1} across`}
        onValue={(next) => {
          brush.value = { value, radius: next };
        }}
      />
      <button type="button" onClick={reset}>
        Back to the encoded latent
      </button>
    </div>
  );
}

/** What the decoder makes of the latent as it is now. */
function Decoded() {
  const quality = useComputed(() =>
    trip.value === undefined || shownPicture.value === undefined
      ? undefined
      : psnr(trip.value.picture, shownPicture.value),
  );
  const frame = editedFrame.value;
  return (
    <figure class="live">
      {shownPicture.value === undefined ? (
        <div class="picture empty" />
      ) : (
        <Canvas
          class="picture checks"
          picture={shownPicture.value}
          role="img"
          aria-label="The picture decoded from the latent as it is now"
          data-testid="live"
        />
      )}
      <figcaption>
        <b>Decoded live</b>
        {frame === undefined ? '' : ` in ${milliseconds(frame.elapsedMs)}`}
        {quality.value === undefined ? '' : `, ${decibels(quality.value)} of the original`}
      </figcaption>
    </figure>
  );
}

/** The latent as a picture of bytes, and what its 8 bits cost. */
function EightBits({ latents }: { latents: Tensor }) {
  const shown = isQuantised.value ? (quantised.value ?? latents) : latents;
  const tiles = latents.shape[1] / 4;
  return (
    <div class="eight-bits">
      <figure class={tiles > 1 ? 'tiles' : undefined} style={{ '--tiles': tiles }}>
        <LatentPicture latents={shown} isWhole />
        <figcaption>
          <b class="latent">8-bit RGBA</b>: the latent as a picture, one byte a number, here over
          white. Its alpha is the fourth channel; more channels are further pictures below.
        </figcaption>
      </figure>
      <Quantisation />
    </div>
  );
}
